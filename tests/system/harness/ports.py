# SPDX-License-Identifier: Apache-2.0
"""ports: loopback ports nobody else has or gets. A port is ours while we hold
the lock on its file, and it lies below the range the kernel hands out."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

FIRST, LAST = 20000, 32000
LOCKS = Path(tempfile.gettempdir()) / f"moat-test-ports-{os.getuid()}"

_held = {}


def _bindable(port):
    """Free for TCP and UDP, on every address."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("", port))
            except OSError:
                return False
    return True


def _lock(port):
    fd = os.open(LOCKS / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC,
                 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def free_port():
    """A port for TCP and UDP that is ours until this process ends."""
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    for port in random.sample(range(FIRST, LAST), LAST - FIRST):
        if port in _held:
            continue
        fd = _lock(port)
        if fd is None:
            continue
        if _bindable(port):
            _held[port] = fd
            return port
        os.close(fd)
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")
