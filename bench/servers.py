# SPDX-License-Identifier: Apache-2.0
"""servers: what the benches of policies need to start theirs."""

import socket
import sys
import time
from pathlib import Path

START_S = 30


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def child_of(pid):
    """The role that a supervisor started; it listens before it has one."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    end = time.monotonic() + START_S
    while not (words := path.read_text(encoding="ascii").split()):
        if time.monotonic() > end:
            sys.exit("the role does not start")
        time.sleep(0.02)
    return int(words[0])
