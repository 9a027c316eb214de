# SPDX-License-Identifier: Apache-2.0
"""dns_ask: drives tests/system/tools/dns_ask.c, which looks up and discovers
as the policy role does."""

import json
import subprocess

from .moat import build_folder

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16,
         "AAAA": 28, "TLSA": 52}
HOST = "127.0.0.1"


class DnsAsk:
    """mode: validate, trust or off; words: its options."""

    def __init__(self, mode, *words, servers=(), netns=None):
        argv = [str(build_folder() / "tests/system/tools/dns_ask"), mode,
                *words, *(f"server={HOST}:{port}" for port in servers)]
        if netns is not None:
            argv = ["ip", "netns", "exec", str(netns), *argv]
        self.child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def read(self):
        """The next answer."""
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(f"dns_ask ended: {self.child.wait(5)}")
        return json.loads(line)

    def ask(self, line):
        self.send(line)
        return self.read()

    def lookup(self, name, rdtype):
        return self.ask(f"lookup {name} {TYPES[rdtype]}")

    def discover(self, domain, port=""):
        return self.ask(f"discover {domain} {port}".strip())

    def host(self, host, port=""):
        return self.ask(f"host {host} {port}".strip())

    def check(self):
        """Starts the self-test; its first result."""
        return self.ask("check")["dnssec"]

    def counts(self):
        return self.ask("counts")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        try:
            code = self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        self.child.stdout.close()
        assert code == 0, f"dns_ask ended with {code}"
