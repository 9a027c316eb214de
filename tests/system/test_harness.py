# SPDX-License-Identifier: Apache-2.0
"""The harness itself: each server starts, answers, and is gone afterwards."""

import os

import pytest

from harness import dns, ports, raw
from harness.knot import Knot, Primary, Tsig
from harness.nsd import Nsd
from harness.pebble import Pebble
from harness.process import Process, wait_until
from harness.unbound import Unbound

ZONE = "customer.example"
RECORDS = "mail A 127.0.0.1\n@ MX 10 mail\nalias CNAME mail\n"


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_ports_are_never_given_twice():
    given = [ports.free_port() for _ in range(50)]
    assert len(set(given)) == 50


def test_process_group_dies_with_its_leader(tmp_path):
    with Process(["sh", "-c", "sleep 60 & echo child $!; wait"], tmp_path,
                 "sh") as p:
        p.wait_log("child")
        child = int(p.log_text().split()[1])
        assert p.alive() and not gone(child)
    assert gone(p.pid)
    wait_until(lambda: gone(child), 5, "the child to be gone")


def test_an_early_end_shows_the_log(tmp_path):
    with Process(["sh", "-c", "echo broken; exit 3"], tmp_path, "sh") as p:
        with pytest.raises(RuntimeError, match="broken"):
            p.wait_log("never")


def test_knot_serves_and_changes_a_zone(stack, tmp_path):
    knot = stack.enter_context(Knot(tmp_path / "knot", {ZONE: RECORDS}))
    answer = dns.ask(knot.port, ZONE, "MX")
    assert dns.rdata(answer, "MX") == ["10 mail.customer.example."]
    knot.add(ZONE, 'word TXT "one" "two"')
    assert dns.txt(knot.port, f"word.{ZONE}") == ["onetwo"]
    assert knot.serial(ZONE) == 2


def test_secondaries_transfer(stack, tmp_path):
    first = stack.enter_context(Knot(tmp_path / "first", {ZONE: RECORDS}))
    source = {ZONE: Primary(first.port)}
    for kind in (Knot, Nsd):
        second = stack.enter_context(kind(tmp_path / kind.__name__, source))
        second.wait_serial(ZONE, 1)


def test_knot_signs_what_it_transferred(stack, tmp_path):
    first = stack.enter_context(Knot(tmp_path / "first", {ZONE: RECORDS}))
    signer = stack.enter_context(Knot(
        tmp_path / "signer", {ZONE: Primary(first.port)}, sign=[ZONE]))
    wait_until(lambda: dns.rdata(dns.ask(
        signer.port, ZONE, "MX", want_dnssec=True), "RRSIG"), 10, "RRSIG")


def test_wrong_tsig_gets_no_zone(stack, tmp_path):
    first = stack.enter_context(Knot(tmp_path / "first", {ZONE: RECORDS}))
    second = stack.enter_context(Knot(
        tmp_path / "second", {ZONE: Primary(first.port, Tsig())}))
    with pytest.raises(TimeoutError):
        second.wait_serial(ZONE, 1, timeout_s=1)


def test_unbound_follows_stubs_and_asks_nobody_else(stack, tmp_path):
    knot = stack.enter_context(Knot(tmp_path / "knot", {ZONE: RECORDS}))
    unbound = stack.enter_context(
        Unbound(tmp_path / "unbound", {ZONE: knot.port}))
    answer = dns.ask(unbound.port, f"alias.{ZONE}", "A")
    assert dns.rdata(answer, "A") == ["127.0.0.1"]
    elsewhere = dns.ask(unbound.port, "www.example.com", "A")
    assert dns.rcode(elsewhere) == "NXDOMAIN"


def test_pebble_answers(stack, tmp_path):
    unbound = stack.enter_context(Unbound(tmp_path / "unbound", {}))
    pebble = stack.enter_context(
        Pebble(tmp_path / "pebble", unbound.port, 1, 1))
    assert "BEGIN CERTIFICATE" in pebble.root().read_text()


def test_a_namespace_is_apart(stack, tmp_path, network):
    """With root: port 53 of our own. Without: nothing to test but None."""
    port = 53 if network else ports.free_port()
    server = stack.enter_context(Process(
        ["python3", "-m", "http.server", port, "--bind", "127.0.0.1"],
        tmp_path, "http", netns=network))
    check = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]
    if network:
        wait_until(lambda: network.run(
            *check, capture_output=True).returncode == 0, 10, "the server")
        assert not raw.listens(port)
    else:
        wait_until(lambda: raw.listens(port), 10, "the server")
    assert server.alive()
