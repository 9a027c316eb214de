# SPDX-License-Identifier: Apache-2.0
"""trial: moat on loopback with unprivileged ports, a trial CA, and two small
servers of Debian that play the rest of the world: Knot the customer's DNS,
Unbound the resolver. They are the same ones that the system tests use."""

import contextlib
import getpass
import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))

# pylint: disable=wrong-import-position
from harness.knot import Knot  # noqa: E402
from harness.moat import Moat, program  # noqa: E402
from harness.ports import free_port  # noqa: E402
from harness.unbound import Unbound  # noqa: E402

HOST = "127.0.0.1"
DOMAIN = "customer.example"
ZONE = "sts.example.net"
REPORT_HOST = "reports.example.net"
# The customer's zone before moat: a mail server and its MX record.
CUSTOMER = "@ MX 10 mail\nmail A 127.0.0.1\n"


class PortTaken(Exception):
    """Somebody else listens where the trial wants to."""


def check_port(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((HOST, port))
            except OSError as e:
                raise PortTaken(
                    f"port {port} on {HOST} is taken: is another ./start "
                    f"running? Else ss -lntup sport = :{port} (of the "
                    "package iproute2) shows by what") from e


class Trial:
    """Everything that runs, and the folder where it lives."""

    def __init__(self, folder, ports):
        self.folder = Path(folder)
        self.ports = ports
        self.published = self.folder / "customer-records"
        self.servers = contextlib.ExitStack()
        self.knot = self.unbound = self.moat = self.sender = None

    @staticmethod
    def fixed_ports():
        return {"https": 8443, "http": 8080, "dns": 5354, "lmtp": 2424,
                "customer": 5355, "resolver": 5356, "socketmap": 8461}

    @staticmethod
    def free_ports():
        return {name: free_port() for name in Trial.fixed_ports()}

    @staticmethod
    def use_build(build):
        os.environ["MOAT_BUILD"] = str(build)

    @property
    def policy_host(self):
        return f"mta-sts.{DOMAIN}"

    @property
    def ca_file(self):
        return self.folder / "moat" / "state" / "local-ca.pem"

    def start_world(self):
        """The customer's DNS, as it was when the trial last ended, and a
        resolver that knows the customer and us."""
        for port in self.ports.values():
            check_port(port)
        self.folder.mkdir(parents=True, exist_ok=True)
        records = CUSTOMER
        if self.published.exists():
            records += self.published.read_text(encoding="utf-8")
        self.knot = self.servers.enter_context(Knot(
            self.folder / "knot", {DOMAIN: records},
            port=self.ports["customer"]))
        self.unbound = self.servers.enter_context(Unbound(
            self.folder / "unbound", port=self.ports["resolver"], stubs={
                DOMAIN: self.ports["customer"], ZONE: self.ports["dns"]}))

    def start_moat(self):
        self.moat = self.servers.enter_context(Moat(
            self.folder / "moat", resolver_port=self.ports["resolver"],
            ports=self.ports, settings=self._settings()))

    def start_sender(self):
        """The moat of somebody who sends mail to the customer. It cannot be
        started before there is a certificate authority to trust."""
        self.sender = self.servers.enter_context(Moat(
            self.folder / "sender", ports=self.ports, settings={
                "server": {"log_level": "info", "user": getpass.getuser(),
                           "roles": "policy"},
                "policy": {
                    "listen": f"{HOST}:{self.ports['socketmap']}",
                    "resolver": f"{HOST}:{self.ports['resolver']}",
                    "dnssec": "off",
                    "https_port": self.ports["https"],
                    "allow_private": "yes",
                    "ca_file": self.ca_file,
                    "grace": "0",
                }}))

    def ask_sender(self, key, profile):
        """What Postfix would get from its socketmap."""
        request = f"{profile} {key}".encode()
        with socket.create_connection(
                (HOST, self.ports["socketmap"]), timeout=30) as s:
            s.sendall(b"%d:%s," % (len(request), request))
            return s.recv(65536).decode().split(":", 1)[1].rstrip(",")

    def _settings(self):
        return {
            "server": {"log_level": "info", "user": getpass.getuser()},
            "dns": {"zone": ZONE},
            "probe": {"dns_port": self.ports["customer"]},
            "cert": {"source": "local-ca"},
            "report": {"host": REPORT_HOST},
        }

    def has_published(self, line):
        return self.published.exists() and line in self.published.read_text(
            encoding="utf-8").splitlines()

    def publish(self, records):
        """The customer adds records to the zone, to stay."""
        self.knot.add(DOMAIN, records)
        with open(self.published, "a", encoding="utf-8") as out:
            out.write(records)

    def stop(self):
        self.servers.close()
