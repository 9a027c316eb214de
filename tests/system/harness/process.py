# SPDX-License-Identifier: Apache-2.0
"""process: a server run in its own process group with its output in a log
file. It is stopped by process id, and dies with us if we are killed."""

import ctypes
import os
import re
import signal
import subprocess
import time
from pathlib import Path

STOP_S = 30
PATIENCE = 3  # the bounds of waits are for an idle machine
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)

# Those now running, for the report of a failed test.
running = []


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(condition, timeout_s=10, what="condition", every_s=0.02):
    """Polls until condition() is true and gives its value. A loaded machine
    has PATIENCE times timeout_s. The last exception it raised, if any, is
    part of the failure."""
    end = time.monotonic() + timeout_s * PATIENCE
    said = ""
    while True:
        try:
            value = condition()
            if value:
                return value
            said = ""
        except (OSError, ValueError, AssertionError, LookupError) as e:
            said = f": {type(e).__name__}: {e}"
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout_s * PATIENCE} s{said}")
        time.sleep(every_s)


def with_mounts(mounts, argv):
    """argv for which, and for nobody else, other files or folders stand at
    some places: {place: what stands there}. It needs root."""
    pairs = [str(word) for place, what in mounts.items()
             for word in (what, place)]
    return ["unshare", "--mount", "sh", "-ec",
            'while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done;'
            ' shift; exec "$@"', "sh", *pairs, "--", *map(str, argv)]


class Process:
    """argv run in folder; the log is folder/NAME.log."""

    def __init__(self, argv, folder, name=None, env=None, netns=None):
        self.argv = [str(word) for word in argv]
        if netns is not None:
            self.argv = ["ip", "netns", "exec", str(netns), *self.argv]
        self.folder = Path(folder)
        self.name = name or Path(self.argv[0]).name
        self.log = self.folder / f"{self.name}.log"
        self.env = {**os.environ, **(env or {})}
        self.child = None

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(
                self.argv, cwd=self.folder, env=self.env, stdout=out,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=_die_with_parent)
        running.append(self)
        return self

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        """To the process alone."""
        self.child.send_signal(number)

    def kill(self):
        """SIGKILL to the whole group, as a power cut would."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()

    def stop(self):
        """SIGTERM, then after a while SIGKILL for the group. Gives the exit
        code; None if it had never been started."""
        if self.child is None:
            return None
        if self.alive():
            self.child.terminate()
            try:
                self.child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        if self in running:
            running.remove(self)
        return self.child.returncode

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def log_lines(self, pattern):
        """The lines of the log that a regular expression matches."""
        return [line for line in self.log_text().splitlines()
                if re.search(pattern, line)]

    def wait_log(self, pattern, timeout_s=10, count=1):
        """Waits until that many lines match; fails at once if it ended."""

        def seen():
            if len(self.log_lines(pattern)) >= count:
                return True
            if not self.alive():
                raise RuntimeError(
                    f"{self.name} ended with {self.child.returncode}:\n"
                    + self.log_text()[-4000:])
            return False

        wait_until(seen, timeout_s, f"{self.name} to log {pattern!r}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
