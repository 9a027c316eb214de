# SPDX-License-Identifier: Apache-2.0
"""release: a Debian release in a folder, with the mail servers of that
release unpacked in it. debootstrap fetches and checks the packages, from the
mirror this machine's apt uses; they are unpacked, not installed, so that no
maintainer script runs. The folder is kept for the next run. What a server
reads and writes in a run is a place of its own below lab/ in it, which goes
when the run ends. Nothing is mounted."""

import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

from hosts import run
from names import RESOLVER

# What each release is there for. sendmail and postfix cannot be installed
# together, but they can lie in one folder.
PACKAGES = {
    "bookworm": ("postfix", "sendmail-bin", "sendmail-cf", "m4"),
    "trixie": ("postfix",),
}
COMPLETE = "etc/lab-complete"
RESOLV_CONF = f"nameserver {RESOLVER}\noptions trust-ad\n"
FETCH_S = 540

# The users that the maintainer scripts would have made.
PASSWD = ("postfix:x:100:101::/var/spool/postfix:/usr/sbin/nologin\n"
          "smmta:x:101:103::/var/lib/sendmail:/usr/sbin/nologin\n"
          "smmsp:x:102:104::/var/lib/sendmail:/usr/sbin/nologin\n")
GROUP = "postfix:x:101:\npostdrop:x:102:\nsmmta:x:103:\nsmmsp:x:104:\n"


def cache_folder():
    """Where the folders are kept between runs."""
    given = os.environ.get("MOAT_LAB_CACHE")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home or "/var/cache") / "moat-lab"


def mirror():
    """The first Debian mirror in apt's own list."""
    said = run("apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN)",
               "Created-By: Packages", check=False).stdout
    for line in said.splitlines():
        site, _, origin = line.partition(" ")
        if origin == "Debian" and "security" not in site:
            return site
    return _mirror_in_sources()


def _mirror_in_sources():
    """The same without package lists: from the files themselves."""
    files = [Path("/etc/apt/sources.list"),
             *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(f.read_text(encoding="utf-8") for f in files
                     if f.is_file())
    for url in re.findall(r"^(?:URIs:|deb(?: \[.*?\])?)\s+(\S+)", text, re.M):
        if re.search(r"/debian/?$", url):
            return url
    raise RuntimeError("apt's sources name no Debian mirror")


class Release:
    """name: the code name of a Debian release."""

    def __init__(self, name, log=print):
        self.name = name
        self.root = cache_folder() / name
        self.log = log

    def prepare(self):
        """Makes the folder unless a former run did."""
        packages = " ".join(PACKAGES[self.name])
        mark = self.root / COMPLETE
        if mark.exists() and mark.read_text() == packages:
            self._sweep()
            return self
        self.log(f"fetching Debian {self.name} into {self.root} (kept)")
        self.root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
                dir=self.root.parent, prefix=f"{self.name}-") as folder:
            made = Path(folder) / "root"
            self._fetch(made)
            self._unpack(made)
            (made / "lab").mkdir()
            (made / "etc/resolv.conf").write_text(RESOLV_CONF)
            (made / COMPLETE).write_text(packages)
            shutil.rmtree(self.root, ignore_errors=True)
            made.rename(self.root)
        return self

    def _fetch(self, root):
        run("debootstrap", "--foreign", "--variant=minbase",
            "--include=" + ",".join(PACKAGES[self.name]), self.name, root,
            mirror(), timeout=FETCH_S)

    def _unpack(self, root):
        work = root / "debootstrap"
        paths = dict(line.split() for line in
                     (work / "debpaths").read_text().splitlines())
        for package in (work / "base").read_text().split():
            run("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" '
                "--keep-directory-symlink", "sh",
                root / paths[package].lstrip("/"), root)
        shutil.rmtree(root / "var/cache/apt/archives")
        for name, more in (("passwd", PASSWD), ("group", GROUP)):
            master = root / "usr/share/base-passwd" / f"{name}.master"
            (root / "etc" / name).write_text(master.read_text() + more)

    def _sweep(self):
        """Removes the places of runs that are no more."""
        for place in (self.root / "lab").iterdir():
            if not Path("/proc", place.name.split("-")[0]).exists():
                end_master(place / "queue")
                shutil.rmtree(place, ignore_errors=True)

    def place(self, host, name):
        return Place(self, host, name)


def end_master(queue):
    """Ends a Postfix that has outlived its run, which was killed: its master
    process works in its queue directory."""
    try:
        pid = int((queue / "pid/master.pid").read_text())
        if os.readlink(f"/proc/{pid}/cwd") == str(queue):
            os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        pass


class Place:
    """Where one server of a release lives during a run. path: as we see it;
    inside: as the server does."""

    def __init__(self, release, host, name):
        self.host = host
        self.root = release.root
        self.inside = f"/lab/{os.getpid()}-{name}"
        self.path = self.root / self.inside.lstrip("/")
        self.path.mkdir()
        self.path.chmod(0o755)

    def write(self, file, text):
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, file):
        path = self.path / file
        return path.read_text(errors="replace") if path.exists() else ""

    def argv(self, *words):
        """A command line that runs in there."""
        return self.host.argv("chroot", self.root, *words)

    def run(self, *words, **options):
        return run(*self.argv(*words), **options)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
