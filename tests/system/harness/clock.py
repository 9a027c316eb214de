# SPDX-License-Identifier: Apache-2.0
"""clock: a monotonic clock that a test can set ahead, for one program and those
it starts."""

import struct
from pathlib import Path

from .moat import build_folder


class Clock:
    """env is what the program is started with."""

    def __init__(self, folder):
        self.path = Path(folder) / "clock"
        self.ahead_s = 0
        self.path.write_bytes(struct.pack("=q", 0))
        self.env = {
            "MOAT_TEST_CLOCK": str(self.path),
            "LD_PRELOAD": str(build_folder() / "tests" / "system" / "tools" /
                              "clock_jump.so"),
        }

    def jump(self, seconds):
        self.ahead_s += seconds
        with open(self.path, "r+b") as f:
            f.write(struct.pack("=q", self.ahead_s))
