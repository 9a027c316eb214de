# SPDX-License-Identifier: Apache-2.0
"""Clients that nobody here wrote get the hosted policy and accept it: curl,
dig, kdig, openssl s_client, and mta-sts-query of postfix-mta-sts-resolver,
which knows no other ports than 53 and 443: moat and the resolver have them on
a loopback address of their own."""

import os
import re
import subprocess

import pytest

from harness.knot import Knot
from harness.moat import Moat
from harness.ports import free_port
from harness.process import wait_until
from harness.unbound import Unbound

CUSTOMER = "customer.example"
HOST = f"mta-sts.{CUSTOMER}"
ZONE = "sts.example.net"
ADDRESS = "127.77.0.1"
SERVED_S = 40
BODY = ("version: STSv1\r\nmode: testing\r\nmx: mail.customer.example\r\n"
        "max_age: 604800\r\n")


class Hosted:
    """A hosted customer: as root on ports 53 and 443, else on free ones."""

    def __init__(self, stack, folder):
        root = os.geteuid() == 0
        self.address = ADDRESS if root else "127.0.0.1"
        self.https = 443 if root else free_port()
        dns, http = free_port(), free_port()
        knot = stack.enter_context(Knot(
            folder / "knot", {CUSTOMER: "@ MX 10 mail\nmail A 127.0.0.1\n"}))
        self.unbound = stack.enter_context(Unbound(
            folder / "unbound", {CUSTOMER: knot.port, ZONE: dns},
            also=[f"{ADDRESS}@53"] if root else []))
        self.moat = stack.enter_context(Moat(
            folder / "moat", {
                "cert": {"source": "local-ca"},
                "edge": {"https": f"{self.address}:{self.https}",
                         "addresses": self.address},
                "probe": {"https_port": self.https, "dns_port": knot.port},
            }, resolver_port=self.unbound.port,
            ports={"dns": dns, "http": http, "https": self.https}))
        self.ca = self.moat.state / "local-ca.pem"
        self.publish(knot)

    def publish(self, knot):
        added = self.moat("domain", "add", CUSTOMER, "--confirm-mx")
        assert added.returncode == 0, added.stdout + added.stderr
        label = self.moat.json("domain", "show", CUSTOMER)["label"]
        knot.add(CUSTOMER, f"mta-sts CNAME {label}.{ZONE}.\n"
                           f"_mta-sts CNAME _mta-sts.{label}.{ZONE}.\n"
                           f"_smtp._tls CNAME _smtp._tls.{label}.{ZONE}.\n")
        self.moat("domain", "recheck", CUSTOMER)
        wait_until(self.announced, SERVED_S, "the TXT record")

    def announced(self):
        return b"v=STSv1" in subprocess.run(
            ["dig", "@127.0.0.1", "-p", str(self.unbound.port), "+short",
             f"_mta-sts.{CUSTOMER}", "TXT"], capture_output=True, timeout=60,
            check=False).stdout


@pytest.fixture
def hosted(stack, tmp_path):
    return Hosted(stack, tmp_path)


def run(*argv, **options):
    done = subprocess.run([str(word) for word in argv], capture_output=True,
                          timeout=60, check=False, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout} {done.stderr}"
    return done.stdout.decode()


# mta-sts-query has no option like dig's @server and curl's --resolve. This is
# instead of a resolv.conf of its own, which not every container allows.
MTA_STS_QUERY = """
import functools, socket, sys
import aiodns
from postfix_mta_sts_resolver.__main__ import main

address, system = sys.argv.pop(1), socket.getaddrinfo
aiodns.DNSResolver = functools.partial(
    aiodns.DNSResolver, nameservers=[address])
socket.getaddrinfo = lambda host, *more, **named: system(
    address if str(host).startswith("mta-sts.") else host, *more, **named)
main()
"""


def mta_sts_query(hosted):
    return run("/usr/bin/python3", "-c", MTA_STS_QUERY, ADDRESS, CUSTOMER,
               env={**os.environ, "SSL_CERT_FILE": str(hosted.ca)})


def test_foreign_clients_accept_the_policy(hosted):
    got = run("curl", "--silent", "--fail", "--include", "--http1.1",
              "--cacert", hosted.ca, "--resolve",
              f"{HOST}:{hosted.https}:{hosted.address}",
              f"https://{HOST}:{hosted.https}/.well-known/mta-sts.txt")
    head, _, body = got.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 ")
    assert re.search(r"(?mi)^content-type: text/plain\b", head)
    assert body == BODY

    for tool in ("dig", "kdig"):
        lines = run(tool, "@127.0.0.1", "-p", hosted.unbound.port, "+short",
                    f"_mta-sts.{CUSTOMER}", "TXT")
        assert re.search(r'"v=STSv1; id=[0-9]{8}T[0-9]{6}Z;?"', lines), lines

    shown = run("openssl", "s_client", "-connect",
                f"{hosted.address}:{hosted.https}", "-servername", HOST,
                "-verify_hostname", HOST, "-verify_return_error",
                "-CAfile", hosted.ca, stdin=subprocess.DEVNULL)
    assert "Verify return code: 0 (ok)" in shown
    assert "TLSv1.3" in shown

    if os.geteuid() != 0:
        pytest.skip("mta-sts-query wants ports 53 and 443: run it as root")
    said = mta_sts_query(hosted)
    assert "STSFetchResult.VALID" in said, said
    assert "'mode': 'testing'" in said and "mail.customer.example" in said
