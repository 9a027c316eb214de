# SPDX-License-Identifier: Apache-2.0
"""A certificate by each challenge, the whole way: the customer's zone in a
real Knot, moat's own zone by moat, a real Unbound between them and a real
Pebble, which rejects nonces and looks for itself."""

import os
import signal
import ssl
import socket

import pytest

from harness.knot import Knot, Primary
from harness.moat import Moat
from harness.pebble import Pebble
from harness.process import wait_until
from harness.unbound import Unbound
from harness.ports import free_port

CUSTOMER = "customer.example"
ZONE = "sts.example.net"
HOST = f"mta-sts.{CUSTOMER}"
ISSUED_S = 150  # room for one more try a minute after a failed one


class Installation:
    """settings go over those of [acme]; more over all sections."""

    def __init__(self, stack, folder, settings=None, more=None):
        ports = {name: free_port() for name in ("https", "http", "dns")}
        self.knot = stack.enter_context(Knot(
            folder / "knot", {CUSTOMER: "@ MX 10 mail\nmail A 127.0.0.1\n"}))
        self.unbound = stack.enter_context(Unbound(
            folder / "unbound",
            {CUSTOMER: self.knot.port, ZONE: ports["dns"]}))
        self.pebble = stack.enter_context(Pebble(
            folder / "pebble", self.unbound.port, ports["http"],
            ports["https"]))
        sections = {
            "probe": {"dns_port": self.knot.port},
            "acme": {"directory": self.pebble.directory,
                     "ca_file": self.pebble.ca, "agree_terms": "yes"}
            | (settings or {})}
        for section, keys in (more or {}).items():
            sections.setdefault(section, {}).update(keys)
        self.moat = stack.enter_context(Moat(
            folder / "moat", sections, resolver_port=self.unbound.port,
            ports=ports))

    def add(self):
        """moat domain add; gives the label."""
        done = self.moat("domain", "add", CUSTOMER, "--confirm-mx")
        assert done.returncode == 0, done.stdout + done.stderr
        return self.domain()["label"]

    def domain(self):
        return self.moat.json("domain", "show", CUSTOMER)

    def point(self, label, *names):
        """The customer adds CNAMEs."""
        self.knot.add(CUSTOMER, "\n".join(
            f"{name} CNAME {prefix}{label}.{ZONE}." for name, prefix in names))
        self.moat("domain", "recheck", CUSTOMER)

    def served(self):
        """The certificate that edge shows for the policy host, verified."""
        context = ssl.create_default_context(cafile=str(self.pebble.root()))
        with socket.create_connection(("127.0.0.1", self.moat.https), 5) as s:
            with context.wrap_socket(s, server_hostname=HOST) as tls:
                return tls.getpeercert(binary_form=True)

    def wait_served(self):
        self.moat.process.wait_log(r"acme\.issued", ISSUED_S)
        return wait_until(self.served, 5, "the certificate at edge")


POLICY = ("mta-sts", "")
ACME = ("_acme-challenge.mta-sts", "_acme-challenge.")


@pytest.fixture
def install(stack, tmp_path):
    return lambda *args, **more: Installation(stack, tmp_path, *args, **more)


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_certificate_after_the_cut_over(install, challenge):
    i = install({"challenges": challenge})
    i.point(i.add(), POLICY)
    assert i.wait_served()
    assert f"challenge={challenge}" in i.moat.process.log_text()


def test_certificate_before_the_cut_over(install):
    i = install()
    label = i.add()
    i.point(label, ACME)
    i.moat.process.wait_log(r"acme\.issued .*challenge=dns-01", ISSUED_S)
    i.point(label, POLICY)
    assert i.wait_served()


def test_fallback_when_port_80_is_somebody_elses(install):
    i = install({"preflight": "no"},
                more={"edge": {"http": f"127.0.0.1:{free_port()}"}})
    i.point(i.add(), POLICY)
    assert i.wait_served()
    assert i.moat.process.log_lines(
        r"acme\.failed .*challenge=http-01 .*then=\"next challenge\"")


def test_words_of_the_ca_reach_the_domain(install):
    """CAA is not looked at by Pebble; a host that does not answer is."""
    i = install({"preflight": "no", "challenges": "http-01"},
                more={"edge": {"http": f"127.0.0.1:{free_port()}"}})
    i.point(i.add(), POLICY)
    i.moat.process.wait_log(r"acme\.failed", ISSUED_S)
    shown = i.moat("domain", "show", CUSTOMER).stdout
    assert "connection refused" in shown or "Connection refused" in shown


def test_preflight_spares_the_ca_an_order(install):
    i = install({"challenges": "http-01"},
                more={"edge": {"http": f"127.0.0.1:{free_port()}"}})
    i.point(i.add(), POLICY)
    i.moat.process.wait_log(r"acme\.failed .*port 80", ISSUED_S)
    assert "order-plz" not in i.pebble.process.log_text()
    assert "port 80" in i.moat("domain", "show", CUSTOMER).stdout


def test_killed_in_mid_order_goes_on(install):
    i = install()
    i.point(i.add(), POLICY)
    i.moat.process.wait_log(r"acme\.queued", ISSUED_S)
    for _ in range(3):
        for pid in i.moat.role_pids("acme"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: i.moat.role_pids("acme"), 20, "the acme role")
    assert i.wait_served()


def test_dns_01_waits_for_the_secondaries(stack, install, tmp_path):
    other = free_port()
    i = install({"challenges": "dns-01"}, more={"dns": {
        "notify": f"127.0.0.1:{other}", "transfer_allow": "127.0.0.0/8"}})
    i.point(i.add(), ACME)
    i.moat.process.wait_log(r"acme\.queued", ISSUED_S)
    wait_until(lambda: "order-plz" in i.pebble.process.log_text(), 20,
               "the order")
    with pytest.raises(TimeoutError):
        i.moat.process.wait_log(r"acme\.issued", 4)
    stack.enter_context(Knot(tmp_path / "secondary", {
        ZONE: Primary(i.moat.dns)}, port=other))
    i.moat.process.wait_log(r"acme\.issued .*challenge=dns-01", ISSUED_S)
