# SPDX-License-Identifier: Apache-2.0
"""start: what ./start does after the packages are there: build, run the
trial, and walk one domain through hosting, step by step."""

import argparse
import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trial import ROOT, PortTaken, Trial
from walk import STEPS, WalkFailed, farewell

BUILD = ROOT / "build" / "start"


def build():
    """Compiles with gcc; ninja shows its progress. Exit code."""
    compiler = "ccache gcc" if shutil.which("ccache") else "gcc"
    BUILD.mkdir(parents=True, exist_ok=True)
    if not (BUILD / "build.ninja").exists():
        done = subprocess.run(
            ["meson", "setup", BUILD, "-Dbuildtype=release", "-Dtests=false",
             "-Dwerror=false"],
            cwd=ROOT, env={**os.environ, "CC": compiler}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            print(done.stdout)
            return done.returncode
    return subprocess.run(["ninja", "-C", BUILD], cwd=ROOT,
                          check=False).returncode


class Steps:
    """Numbers the steps and shows how long each took."""

    def __init__(self, total):
        self.total = total
        self.number = 0

    def do(self, title, action):
        self.number += 1
        print(f"\n[{self.number}/{self.total}] {title}", flush=True)
        began = time.monotonic()
        said = action()
        for line in (said or "").rstrip().splitlines():
            print(f"    {line}")
        print(f"    -- {time.monotonic() - began:.1f} s", flush=True)


def walk(trial, check):
    """Starts everything and does the steps."""
    own_build = "MOAT_BUILD" not in os.environ
    steps = Steps(len(STEPS) + 2 + own_build)
    if own_build:
        steps.do("build", must_build)
    trial.use_build(os.environ.get("MOAT_BUILD", BUILD))
    steps.do("start the customer's DNS (Knot) and a resolver (Unbound)",
             trial.start_world)
    steps.do("start moat's roles", trial.start_moat)
    for title, step in STEPS:
        steps.do(title, lambda s=step: s(trial))
    print(farewell(trial, check), flush=True)


def must_build():
    if build() != 0:
        raise WalkFailed("it does not build, as said above")


def wait_for_the_end(trial):
    """Until Ctrl-C, or until moatd ends by itself."""
    while trial.moat.process.alive():
        time.sleep(0.5)
    raise WalkFailed("moatd ended:\n" + trial.moat.process.log_text()[-2000:])


def on_signal(*_):
    raise KeyboardInterrupt


def run(folder, ports, check):
    trial = Trial(folder, ports)
    signal.signal(signal.SIGTERM, on_signal)
    try:
        walk(trial, check)
        if not check:
            wait_for_the_end(trial)
        return 0
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
        return 0 if not check else 130
    except PortTaken as e:
        print(f"start: {e}", file=sys.stderr)
    except (WalkFailed, TimeoutError, RuntimeError) as e:
        print(f"start: {e}", file=sys.stderr)
        if any(trial.folder.glob("*/*.log")):
            print(f"start: logs are in {trial.folder}/*/*.log",
                  file=sys.stderr)
    except OSError as e:
        print(f"start: {e}: is it where {getpass.getuser()} may write?",
              file=sys.stderr)
    finally:
        trial.stop()
    return 1


def main():
    parser = argparse.ArgumentParser(
        prog="./start",
        description="Builds moat and hosts a domain on this machine.")
    parser.add_argument("--check", action="store_true",
                        help="walk through it once, then stop: exit code 0 if "
                        "all went well. Uses free ports and a folder that is "
                        "removed, so it disturbs nothing")
    parser.add_argument("--folder", type=Path,
                        help="where the data lies (.trial)")
    args = parser.parse_args()
    if not args.check:
        return run(args.folder or ROOT / ".trial", Trial.fixed_ports(), False)
    if args.folder:
        return run(args.folder, Trial.free_ports(), True)
    with tempfile.TemporaryDirectory(prefix="moat-start-") as folder:
        return run(folder, Trial.free_ports(), True)


if __name__ == "__main__":
    sys.exit(main())
