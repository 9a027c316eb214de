# SPDX-License-Identifier: Apache-2.0
"""newer_pebble: the Pebble of the next Debian, unpacked into a folder and not
installed: Debian 12's has no renewalInfo (RFC 9773). apt
fetches and checks it, from the mirror this machine uses already."""

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
FETCH_S = 180


def _mirror():
    """Where apt gets the main part of this Debian from."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        uri, release, component = line.split()
        if component == "main" and "-" not in release:
            return uri
    raise RuntimeError("apt has no source of Debian's main packages")


def _fetch(folder):
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(
        f"deb [signed-by={KEYRING}] {_mirror()} {RELEASE} main\n")
    apt = ["apt-get", "-q"]
    for key, value in {"Dir::Etc::SourceList": sources,
                       "Dir::Etc::SourceParts": "/dev/null",
                       "Dir::State::Lists": folder / "lists",
                       "Dir::State::Status": "/dev/null",
                       "Dir::Cache": folder / "cache",
                       "APT::Sandbox::User": ""}.items():
        apt += ["-o", f"{key}={value}"]
    for words in (["update"], ["download", "pebble"]):
        subprocess.run(apt + words, cwd=folder, check=True,
                       capture_output=True, timeout=FETCH_S)
    (package,) = folder.glob("pebble_*.deb")
    subprocess.run(["dpkg", "-x", package, folder / "root"], check=True)


def newer_pebble():
    """The path of the program; fetched once per machine and user."""
    folder = Path(tempfile.gettempdir()) / f"moat-test-pebble-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    program = folder / "root" / "usr" / "bin" / "pebble"
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _fetch(folder)
    return program
