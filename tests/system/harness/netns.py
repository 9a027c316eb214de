# SPDX-License-Identifier: Apache-2.0
"""netns: a network namespace of our own with loopback up, where port 53 or
25 can be had. Needs root; without it a test runs on plain loopback."""

import os
import subprocess
import uuid


def available():
    if os.geteuid() != 0:
        return False
    with NetworkNamespace() as ns:
        return ns.made


class NetworkNamespace:
    """str() of it is what Process(netns=...) takes."""

    def __init__(self):
        self.name = f"moat-{uuid.uuid4().hex[:8]}"
        self.made = False

    def __str__(self):
        return self.name

    def __enter__(self):
        self.made = subprocess.run(
            ["ip", "netns", "add", self.name], capture_output=True,
            check=False).returncode == 0
        if self.made and self.ip("link", "set", "lo", "up").returncode != 0:
            self.__exit__()
            self.made = False
        return self

    def ip(self, *args):
        return subprocess.run(["ip", "-n", self.name, *args], check=False,
                              capture_output=True)

    def run(self, *argv, **options):
        return subprocess.run(["ip", "netns", "exec", self.name, *argv],
                              check=False, **options)

    def __exit__(self, *_):
        if self.made:
            subprocess.run(["ip", "netns", "del", self.name], check=False,
                           capture_output=True)
