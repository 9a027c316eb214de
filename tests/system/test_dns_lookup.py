# SPDX-License-Identifier: Apache-2.0
"""Look-ups on the loop: what the stub makes of resolvers that are dead, slow
to answer, forged or without DNSSEC, and libunbound of a changed resolv.conf."""

import os
import socket
import struct

import dns.flags
import dns.message
import pytest

from harness.dns_ask import DnsAsk
from harness.fake_dns import HOST, FakeDns, reply
from harness.knot import Knot
from harness.ports import free_port
from harness.process import wait_until
from harness.unbound import Unbound

NAME = "www.example.net"
GOOD = f"{NAME}. 300 A 192.0.2.1"
TEXT = f"{NAME}. 300 TXT " + " ".join(['"' + "a" * 200 + '"'] * 20)


@pytest.fixture
def fake(stack):
    """A function that starts a FakeDns with an answer function."""
    return lambda answer: stack.enter_context(FakeDns(free_port(), answer))


def always(**options):
    return lambda query, tcp: [reply(query, GOOD, **options)]


def forged(query, tcp):
    """All kinds of wrong ones, and the right one last."""
    del tcp
    bad = reply(query, f"{NAME}. 300 A 203.0.113.9", ad=True)
    other_id = bytearray(bad.to_wire())
    other_id[0] ^= 1
    other_name = reply(dns.message.make_query("wwv.example.net", "A"))
    other_name.id = query.id
    other_type = reply(dns.message.make_query(NAME, "AAAA"))
    other_type.id = query.id
    request = dns.message.make_query(NAME, "A")
    request.id = query.id
    no_question = struct.pack("!6H", query.id, 0x8180, 0, 0, 0, 0)
    return [bytes(other_id), other_name, other_type, request, no_question,
            bad.to_wire()[:11], b"", reply(query, GOOD)]


def test_forged_answers_are_passed_over(fake):
    server = fake(forged)
    with DnsAsk("trust", servers=[server.port]) as program:
        answer = program.lookup(NAME, "A")
        assert (answer["rdata"], answer["security"]) == (
            ["192.0.2.1"], "insecure")
        assert program.counts()["ignored"] == 7
        assert program.counts()["sent"] == 1


def test_answers_from_elsewhere_do_not_arrive(fake):
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def answer(query, tcp):
        del tcp
        forgery = reply(query, f"{NAME}. 300 A 203.0.113.9", ad=True)
        other.sendto(forgery.to_wire(), (HOST, server.queries[-1][0]))
        return [reply(query, GOOD)]

    server = fake(answer)
    with DnsAsk("trust", servers=[server.port]) as program, other:
        assert program.lookup(NAME, "A")["rdata"] == ["192.0.2.1"]


def test_questions_carry_ad_and_do(fake):
    server = fake(always(ad=True))
    with DnsAsk("trust", servers=[server.port]) as program:
        assert program.lookup(NAME, "A")["security"] == "secure"
    query = server.queries[0][1]
    assert query.flags & dns.flags.AD and query.flags & dns.flags.RD
    assert (query.ednsflags & dns.flags.DO, query.payload) == (
        dns.flags.DO, 1232)


def test_ad_is_believed_only_in_trust_mode(fake):
    server = fake(always(ad=True))
    with DnsAsk("off", servers=[server.port]) as program:
        assert program.lookup(NAME, "A")["security"] == "insecure"
    query = server.queries[0][1]
    assert not query.flags & dns.flags.AD
    assert not query.ednsflags & dns.flags.DO


def test_ports_and_ids_are_hard_to_guess(fake):
    server = fake(always())
    with DnsAsk("trust", servers=[server.port]) as program:
        for _ in range(64):
            program.lookup(NAME, "A")
        assert len({q[0] for q in server.queries}) == 4
        assert len({q[1].id for q in server.queries}) > 60
        server.queries.clear()
        server.answer = lambda query, tcp: []
        for _ in range(40):
            program.send(f"lookup {NAME} 1")
        wait_until(lambda: len(server.queries) >= 40, 5, "40 questions")
        assert len({q[0] for q in server.queries[:40]}) == 40
        server.answer = always()
        for _ in range(40):
            assert program.read()["status"] == "ok"


def test_a_cut_answer_is_fetched_over_tcp(fake):
    server = fake(lambda query, tcp: [reply(query, TEXT) if tcp
                                      else reply(query, tc=True)])
    with DnsAsk("trust", servers=[server.port]) as program:
        assert len(program.lookup(NAME, "TXT")["rdata"][0]) > 4000
        assert program.counts()["tcp"] == 1


def test_a_server_with_an_ipv6_address(stack):
    server = stack.enter_context(FakeDns(
        free_port(), lambda query, tcp: [
            reply(query, TEXT, ad=True) if tcp else reply(query, tc=True)],
        host="::1"))
    with DnsAsk("trust", f"server=[::1]:{server.port}") as program:
        assert program.lookup(NAME, "TXT")["security"] == "secure"


@pytest.mark.parametrize("over_tcp", [
    lambda query: [],
    lambda query: [reply(query, tc=True)],
    lambda query: [reply(dns.message.make_query(NAME, "MX"))],
])
def test_no_answer_over_tcp_is_temporary(fake, over_tcp):
    server = fake(lambda query, tcp: over_tcp(query) if tcp
                  else [reply(query, tc=True)])
    with DnsAsk("trust", servers=[server.port]) as program:
        assert program.lookup(NAME, "TXT")["status"] == "temp"


def test_a_refusing_server_leads_to_the_next(fake):
    server = fake(always())
    with DnsAsk("trust", servers=[free_port(), server.port]) as program:
        assert program.lookup(NAME, "A")["rdata"] == ["192.0.2.1"]
        sent = program.counts()["sent"]
        # and is asked last from then on
        assert program.lookup(NAME, "A")["status"] == "ok"
        assert program.counts()["sent"] == sent + 1


def test_a_silent_server_leads_to_the_next(fake):
    silent = fake(lambda query, tcp: [])
    server = fake(always())
    with DnsAsk("trust", servers=[silent.port, server.port]) as program:
        assert program.lookup(NAME, "A")["rdata"] == ["192.0.2.1"]
        assert program.counts()["retried"] == 1
        assert program.lookup(NAME, "A")["status"] == "ok"
        assert len(silent.queries) == 1


def test_a_lost_packet_is_sent_again(fake):
    server = fake(lambda query, tcp: [] if len(server.queries) == 1
                  else [reply(query, GOOD)])
    with DnsAsk("trust", servers=[server.port]) as program:
        assert program.lookup(NAME, "A")["status"] == "ok"
    (port1, first, _), (port2, second, _) = server.queries
    assert port1 != port2 or first.id != second.id


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "FORMERR"])
def test_a_failing_server_leads_to_the_next(fake, rcode):
    failing = fake(always(rcode=rcode))
    server = fake(always())
    with DnsAsk("trust", servers=[failing.port, server.port]) as program:
        assert program.lookup(NAME, "A")["rdata"] == ["192.0.2.1"]
        server.answer = always(rcode=rcode)
        answer = program.lookup(NAME, "A")
        assert (answer["status"], "rcode" in answer["error"]) == (
            "temp", True)


def test_malformed_answers_are_temporary(fake):
    def cut_short(query, tcp):
        del tcp
        return [reply(query, GOOD).to_wire()[:-16]]

    def in_circles(query, tcp):
        del tcp
        return [reply(query, f"{NAME}. 300 CNAME b.example.net.",
                      f"b.example.net. 300 CNAME {NAME}.")]

    for answer in (cut_short, in_circles):
        server = fake(answer)
        with DnsAsk("trust", servers=[server.port]) as program:
            assert program.lookup(NAME, "A")["status"] == "temp"


@pytest.mark.parametrize("mode", ["trust", "off"])
def test_names_that_are_none(fake, mode):
    server = fake(always())
    with DnsAsk(mode, servers=[server.port]) as program:
        for name in ("a..b", "x" * 64 + ".example", ".".join(["abcdefg"] * 40)):
            assert program.lookup(name, "A")["status"] == "invalid"
    assert server.queries == []


# ---- the self-test ---------------------------------------------------------

def test_a_resolver_that_strips_ad_switches_dane_off(fake):
    server = fake(lambda query, tcp: [
        reply(query, f"{query.question[0].name} 60 MX 10 mx.example.net.")])
    with DnsAsk("trust", servers=[server.port]) as program:
        assert program.check() == "broken"
        result = program.discover("example.net")
        assert (result["state"], result["mx_known"]) == ("off", True)
        assert [h["name"] for h in result["mx"]] == ["mx.example.net"]
        assert "no AD bit" in result["why"]
    assert server.queries[0][1].question[0].to_text() == ". IN NS"


def test_a_resolver_that_calls_all_secure_is_found_out(fake):
    server = fake(always(ad=True))
    with DnsAsk("trust", "bogus=bogus.example.net",
                servers=[server.port]) as program:
        answer = program.ask("check")
        assert answer["dnssec"] == "broken"
        assert "broken signature" in answer["why"]
        # it was right about the first name, and is now about the second
        server.answer = lambda query, tcp: [
            reply(query, ad=True) if query.question[0].name.to_text() == "."
            else reply(query, rcode="SERVFAIL")]
        assert program.check() == "good"


def test_one_that_never_answers_is_broken_after_some_tries(fake):
    server = fake(always(rcode="SERVFAIL"))
    with DnsAsk("trust", servers=[server.port]) as program:
        assert program.check() == "broken"
        assert len(server.queries) == 3
        assert program.discover("example.net")["state"] == "off"


def test_who_stops_packets_cannot_switch_dane_off(fake):
    """What was good stays so until an answer says otherwise."""
    server = fake(always(ad=True))
    with DnsAsk("trust", servers=[server.port]) as program:
        assert program.check() == "good"
        server.answer = always(rcode="SERVFAIL")
        for i in range(4):
            program.send("check")
            wait_until(lambda: program.counts()["failed"] > i, 5, "a test")
        assert program.ask("state")["dnssec"] == "good"
        assert program.discover("example.net")["state"] == "temp"
        server.answer = always()
        assert program.check() == "broken"
        server.answer = always(ad=True)
        assert program.check() == "good"


# ---- resolv.conf -----------------------------------------------------------

def write(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_resolv_conf_is_followed(fake, tmp_path):
    first, second = fake(always(ad=True)), fake(always(ad=True))
    path = tmp_path / "resolv.conf"
    with DnsAsk("trust", f"resolv_conf={path}") as program:
        assert program.lookup(NAME, "A")["status"] == "temp"
        write(path, f"nameserver {HOST}:{first.port}\n")
        wait_until(lambda: program.lookup(NAME, "A")["status"] == "ok", 5,
                   "the first server")
        assert program.check() == "good"
        write(path, f"nameserver {HOST}:{second.port}\n")
        wait_until(lambda: program.lookup(NAME, "A") and second.queries, 5,
                   "the second server")
        # which has to prove itself
        assert program.read()["dnssec"] == "good"
        assert "." in [q[1].question[0].name.to_text()
                       for q in second.queries]


def test_libunbound_follows_resolv_conf(stack, tmp_path):
    """Questions under way are asked again of the new servers."""
    knot = stack.enter_context(Knot(tmp_path / "knot", {
        "signed.example": "www A 192.0.2.7\n"}, sign=["signed.example"]))
    anchor = knot.ds("signed.example")
    (tmp_path / "anchors").write_text(anchor + "\n")
    unbound = stack.enter_context(Unbound(
        tmp_path / "unbound", {"signed.example": knot.port},
        anchors=[anchor]))
    silent = stack.enter_context(FakeDns(free_port(), lambda q, tcp: []))
    path = tmp_path / "resolv.conf"
    write(path, f"nameserver {HOST}:{silent.port}\n")
    with DnsAsk("validate", f"anchor={tmp_path}/anchors",
                f"resolv_conf={path}") as program:
        program.send("lookup www.signed.example 1")
        wait_until(lambda: silent.queries, 5, "a question")
        write(path, f"nameserver {HOST}:{unbound.port}\n")

        def asked():
            program.send("lookup other.signed.example 1")
            return unbound.process.log_lines("www.signed.example. A IN")

        wait_until(asked, 5, "the new server", every_s=0.2)
        answer = program.read()
        while answer["name"] != "www.signed.example":
            answer = program.read()
        assert (answer["rdata"], answer["security"]) == (
            ["192.0.2.7"], "secure")


def test_no_root_anchor_is_said_at_once():
    program = DnsAsk("validate", "anchor=/nonexistent/root.key",
                     servers=[free_port()])
    with program.child.stdout, program.child.stdin:
        assert program.child.wait(10) == 1


def test_a_malformed_anchor_is_said_at_once(tmp_path):
    (tmp_path / "anchor").write_text("example. DS not a digest\n")
    program = DnsAsk("validate", f"anchor={tmp_path}/anchor",
                     servers=[free_port()])
    with program.child.stdout, program.child.stdin:
        assert program.child.wait(10) == 1
