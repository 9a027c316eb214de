# SPDX-License-Identifier: Apache-2.0
"""zone: the dns role alone, over a view that the test itself writes."""

import subprocess

from .moat import Moat, build_folder
from .process import wait_until
from . import dns

ORIGIN = "sts.example.net"


class Zone:
    """moatd with no role but dns. dns_settings go into its section."""

    def __init__(self, folder, serial=1, **dns_settings):
        self.moat = Moat(folder, {"server": {"roles": "dns"},
                                  "dns": dns_settings})
        self.first = serial
        self.serial = None
        self.loader = None

    @property
    def port(self):
        return self.moat.dns

    @property
    def log(self):
        return self.moat.process

    def commit(self, *lines):
        """Lines as tests/view_load.c takes them; gives the new serial."""
        self.loader.stdin.write("".join(f"{line}\n" for line in lines)
                                + "commit\n")
        self.loader.stdin.flush()
        answer = self.loader.stdout.readline().split()
        if answer[:1] != ["serial"]:
            raise AssertionError(f"view_load ended: {self.loader.wait()}")
        self.serial = int(answer[1])
        return self.serial

    def wait(self):
        """Until the role shows the last commit."""
        wait_until(lambda: dns.serial(self.port, ORIGIN, timeout_s=2)
                   == self.serial, 5, f"dns to show {self.serial}")

    def load(self, *lines):
        """Starts the writer and makes the zone."""
        view = self.moat.state / "view" / "view.mdb"
        self.moat.write_conf()
        view.parent.mkdir(parents=True, exist_ok=True)
        self.loader = subprocess.Popen(
            [build_folder() / "tests" / "view_load", view, ORIGIN,
             str(self.first)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.commit(*lines)
        for path in (self.moat.state, view.parent, view):
            path.chmod(path.stat().st_mode | 0o055)

    def __enter__(self):
        self.load(*RECORDS)
        self.moat.start()
        self.wait()
        return self

    def __exit__(self, *_):
        self.moat.stop()
        if self.loader is not None:
            self.loader.stdin.close()
            self.loader.wait()


RECORDS = (
    f"{ORIGIN} 300 NS ns1.{ORIGIN} | NS ns2.example.org",
    f"ns1.{ORIGIN} 300 A 127.0.0.1 | AAAA ::1",
    f"id1.{ORIGIN} 300 A 192.0.2.1 | A 192.0.2.2 | AAAA 2001:db8::1 "
    "| CAA ca.example",
    f"_mta-sts.id1.{ORIGIN} 300 TXT v=STSv1; id=20261121T194000Z",
    f"_smtp._tls.id1.{ORIGIN} 300 TXT v=TLSRPTv1; "
    "rua=mailto:id1@rua.example.net",
    f"alias.{ORIGIN} 300 CNAME id1.{ORIGIN}",
    f"big.{ORIGIN} 300 " + " | ".join(
        f"TXT {chr(ord('a') + i) * 200}" for i in range(8)),
)
