# SPDX-License-Identifier: Apache-2.0
"""The dns role as dig, Knot, NSD and Unbound see it."""

import random
import re
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import dns.flags
import dns.message
import pytest

from harness import dns as ask_dns
from harness.knot import Knot, Primary, Tsig
from harness.nsd import Nsd
from harness.process import wait_until
from harness.unbound import Unbound
from harness.zone import ORIGIN, Zone

HOST = "127.0.0.1"
KEY = Tsig()


@pytest.fixture(scope="module")
def zone():
    with tempfile.TemporaryDirectory(prefix="moat-test-") as folder:
        Path(folder).chmod(0o755)
        with Zone(Path(folder) / "moat") as server:
            yield server


def dig(zone, *words):
    return subprocess.run(
        ["dig", "+time=2", "+tries=1", f"@{HOST}", "-p", str(zone.port),
         *words], capture_output=True, text=True, timeout=60, check=False
    ).stdout


def short(zone, *words):
    return sorted(dig(zone, "+short", *words).splitlines())


def header(text):
    """("NOERROR", {"qr", "aa"}, answers) of dig's output."""
    status = re.search(r"status: (\w+)", text).group(1)
    flags = set(re.search(r"flags: ([a-z ]*);", text).group(1).split())
    return status, flags, int(re.search(r"ANSWER: (\d+)", text).group(1))


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize("name, rdtype, want", [
    ("", "NS", [f"ns1.{ORIGIN}.", "ns2.example.org."]),
    ("", "SOA", [f"ns1.{ORIGIN}. hostmaster.{ORIGIN}. 1 3600 600 604800 60"]),
    ("id1.", "A", ["192.0.2.1", "192.0.2.2"]),
    ("id1.", "AAAA", ["2001:db8::1"]),
    ("id1.", "CAA", ['0 issue "ca.example"']),
    ("_mta-sts.id1.", "TXT", ['"v=STSv1; id=20261121T194000Z"']),
    ("_smtp._tls.id1.", "TXT",
     ['"v=TLSRPTv1; rua=mailto:id1@rua.example.net"']),
    ("alias.", "AAAA", ["2001:db8::1", f"id1.{ORIGIN}."]),
])
def test_dig_gets_the_records(zone, transport, name, rdtype, want):
    assert short(zone, transport, name + ORIGIN, rdtype) == want


@pytest.mark.parametrize("edns", ["+edns=0", "+noedns"])
@pytest.mark.parametrize("name, rdtype, status", [
    ("id1.", "MX", "NOERROR"),        # NODATA
    ("_tls.id1.", "TXT", "NOERROR"),  # an empty non-terminal
    ("nothing.", "A", "NXDOMAIN"),
    ("x.id1.", "A", "NXDOMAIN"),
])
def test_negative_answers_carry_the_soa(zone, edns, name, rdtype, status):
    text = dig(zone, edns, name + ORIGIN, rdtype)
    assert header(text) == (status, {"qr", "aa", "rd"}, 0)
    soa = [line.split() for line in text.splitlines() if "\tSOA\t" in line]
    assert [(s[0], s[1]) for s in soa] == [(f"{ORIGIN}.", "60")]
    assert ("EDNS: version: 0" in text) == (edns == "+edns=0")


@pytest.mark.parametrize("words, status", [
    (["example.org", "A"], "REFUSED"),
    (["version.bind", "CH", "TXT"], "REFUSED"),
    (["+opcode=notify", ORIGIN, "SOA"], "NOTIMP"),
    (["+opcode=update", ORIGIN, "SOA"], "NOTIMP"),
    (["+opcode=status", ORIGIN, "SOA"], "NOTIMP"),
    (["+edns=1", "+noednsnegotiation", ORIGIN, "SOA"], "BADVERS"),
])
def test_what_is_not_ours_is_refused_in_few_words(zone, words, status):
    text = dig(zone, *words)
    assert f"status: {status}" in text
    assert "ANSWER: 0, AUTHORITY: 0" in text


def test_nobody_gets_the_zone_unless_told_so(zone):
    for words in (["AXFR"], ["IXFR=1"]):
        assert "Transfer failed" in dig(zone, ORIGIN, *words)


def test_any_gets_one_record_set(zone):
    assert header(dig(zone, f"id1.{ORIGIN}", "ANY"))[2] == 2


def test_long_answers_go_over_tcp(zone):
    text = dig(zone, "+ignore", "+bufsize=4096", f"big.{ORIGIN}", "TXT")
    assert header(text) == ("NOERROR", {"qr", "aa", "tc", "rd"}, 0)
    assert len(short(zone, "+bufsize=4096", f"big.{ORIGIN}", "TXT")) == 8


def test_0x20_comes_back(zone):
    name = f"_MtA-sTs.iD1.{ORIGIN.swapcase()}."
    for tcp in (False, True):
        answer = ask_dns.ask(zone.port, name, "TXT", tcp=tcp)
        assert answer.question[0].name.to_text() == name
        assert answer.answer[0].name.to_text() == name


def test_kdig_pipelines_over_one_connection(zone):
    done = subprocess.run(
        ["kdig", "+tcp", "+keepopen", "+short", f"@{HOST}", "-p",
         str(zone.port), f"id1.{ORIGIN}", "AAAA", f"ns1.{ORIGIN}", "A"],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["2001:db8::1", "127.0.0.1"]


def test_malformed_packets_harm_nobody(zone, full):
    """Each is ignored or answered with an error; then all is as before."""
    rng = random.Random(7)
    good = dns.message.make_query(f"id1.{ORIGIN}", "A", use_edns=0).to_wire()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((HOST, zone.port))
    s.setblocking(False)
    answers = 0
    for i in range(20000 if full else 4000):
        packet = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            packet[rng.randrange(len(packet))] = rng.randrange(256)
        s.send(packet[:rng.randrange(len(packet) + 1)] if i % 3 == 0
               else packet)
        if i % 50 == 49:
            time.sleep(0.005)
        try:
            while True:
                answer = s.recv(4096)
                assert answer[2] & 0x80
                answers += 1
        except BlockingIOError:
            pass
    s.close()
    assert answers > 100
    test_dig_gets_the_records(zone, "+notcp", "id1.", "AAAA", ["2001:db8::1"])
    assert zone.log.log_lines("role.down|role.died|role.restart") == []


def test_slow_and_greedy_tcp_clients_lock_nobody_out(tmp_path):
    with Zone(tmp_path, connections_per_address=4, idle_time="1s") as server:
        query = dns.message.make_query(f"id1.{ORIGIN}", "A").to_wire()
        started = time.monotonic()
        stuck = [socket.create_connection((HOST, server.port), 30)
                 for _ in range(4)]
        for s in stuck:
            s.sendall(struct.pack("!H", len(query)) + query[:5])
        for s in stuck:
            assert s.recv(1) == b""
        assert time.monotonic() - started > 0.9
        assert short(server, "+tcp", f"id1.{ORIGIN}", "AAAA") == ["2001:db8::1"]


def test_rate_limit_slips_to_tcp(tmp_path):
    with Zone(tmp_path, rate_limit=20, rate_limit_exempt="::1") as server:
        query = dns.message.make_query(f"id1.{ORIGIN}", "A").to_wire()
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((HOST, server.port))
        s.settimeout(30)
        time.sleep(1.1)  # what it may send in a second is all there again
        began = time.monotonic()
        for _ in range(100):
            s.send(query)
        whole = cut = 0
        while cut < (100 - whole) // 2:  # each second one beyond the limit
            answer = dns.message.from_wire(s.recv(4096))
            if answer.flags & dns.flags.TC:
                cut += 1
            else:
                whole += 1
        assert 20 <= whole <= 21 + 20 * (time.monotonic() - began)
        assert cut > 0
        assert short(server, "+tcp", f"id1.{ORIGIN}", "AAAA") == ["2001:db8::1"]


def secondary_follows(server, secondary):
    """AXFR at the start, IXFR after changes, each after a NOTIFY."""
    secondary.wait_serial(ORIGIN, server.serial)
    for i in range(3):
        serial = server.commit(
            f"id1.{ORIGIN} 300 A 192.0.2.{10 + i}",
            f"new{i}.{ORIGIN} 300 TXT number {i}",
            f"new{i - 1}.{ORIGIN}")
        secondary.wait_serial(ORIGIN, serial)
        for port in (server.port, secondary.port):
            assert ask_dns.rdata(ask_dns.ask(port, f"id1.{ORIGIN}", "A"),
                                 "A") == [f"192.0.2.{10 + i}"]
            assert ask_dns.txt(port, f"new{i}.{ORIGIN}") == [f"number {i}"]
            assert ask_dns.rcode(ask_dns.ask(
                port, f"new{i - 1}.{ORIGIN}", "TXT")) == "NXDOMAIN"


def test_knot_is_a_secondary(tmp_path, stack):
    server = Zone(tmp_path / "moat",
                  transfer_keys=f"{KEY.name}:{KEY.secret}",
                  transfer_allow="127.0.0.0/8")
    knot = Knot(tmp_path / "knot",
                {ORIGIN: Primary(server.port, KEY)})
    server.moat.settings["dns"]["notify"] = f"{HOST}:{knot.port}"
    stack.enter_context(server)
    stack.enter_context(knot)
    secondary_follows(server, knot)
    log = knot.process.log_text()
    assert re.search(r"AXFR, incoming.* finished", log)
    assert len(re.findall(r"IXFR, incoming.* finished", log)) == 3
    assert re.search(r"notify, incoming", log)
    wait_until(lambda: server.log.log_lines(
        rf"dns.notify_answered.*rcode=0 serial={server.serial}"), 5,
               "knot to answer NOTIFY")


def test_knot_signs_what_it_gets(tmp_path, stack):
    """Knot as the public, signing secondary of the zone."""
    server = Zone(tmp_path / "moat", transfer_allow="127.0.0.1")
    knot = Knot(tmp_path / "knot", {ORIGIN: Primary(server.port)},
                sign=[ORIGIN])
    server.moat.settings["dns"]["notify"] = f"{HOST}:{knot.port}"
    stack.enter_context(server)
    stack.enter_context(knot)
    knot.wait_serial(ORIGIN, server.serial)
    server.commit(f"id2.{ORIGIN} 300 A 192.0.2.77")
    wait_until(lambda: ask_dns.rdata(ask_dns.ask(
        knot.port, f"id2.{ORIGIN}", "A", want_dnssec=True), "A")
        == ["192.0.2.77"], 10, "knot to serve id2")
    assert ask_dns.rdata(ask_dns.ask(
        knot.port, f"id2.{ORIGIN}", "A", want_dnssec=True), "RRSIG")


def test_nsd_is_a_secondary(tmp_path, stack):
    server = Zone(tmp_path / "moat",
                  transfer_keys=f"{KEY.name}:{KEY.secret}")
    nsd = Nsd(tmp_path / "nsd", {ORIGIN: Primary(server.port, KEY)})
    server.moat.settings["dns"]["notify"] = f"{HOST}:{nsd.port}"
    stack.enter_context(server)
    stack.enter_context(nsd)
    secondary_follows(server, nsd)


def test_transfers_need_the_key(tmp_path):
    with Zone(tmp_path, transfer_keys=f"{KEY.name}:{KEY.secret}") as server:
        key = f"{KEY.algorithm}:{KEY.name}:{KEY.secret}"
        wrong = f"{KEY.algorithm}:{KEY.name}:{'A' * 43}="
        assert f"id1.{ORIGIN}" in dig(server, "-y", key, ORIGIN, "AXFR")
        for words in ([], ["-y", wrong]):
            text = dig(server, *words, ORIGIN, "AXFR")
            assert "Transfer failed" in text
            assert f"id1.{ORIGIN}" not in text
        # Ordinary questions may be signed too.
        text = dig(server, "-y", key, f"id1.{ORIGIN}", "AAAA")
        assert "2001:db8::1" in text and "TSIG PSEUDOSECTION" in text
        assert "verify failure" not in text


def test_a_large_zone_is_transferred(tmp_path, full):
    n = 50000 if full else 5000
    with Zone(tmp_path, transfer_allow="127.0.0.1") as server:
        server.commit(*(f"_mta-sts.n{i}.{ORIGIN} 300 TXT v=STSv1; id={i}"
                        for i in range(n)))
        server.wait()
        text = dig(server, ORIGIN, "AXFR")
        assert text.count("\tTXT\t") == n + 10


def test_unbound_resolves_through_the_customers_cname(tmp_path, stack):
    zone = stack.enter_context(Zone(tmp_path / "moat"))
    customer = stack.enter_context(Knot(tmp_path / "customer", {
        "customer.example":
            f"mta-sts CNAME id1.{ORIGIN}.\n"
            f"_mta-sts CNAME _mta-sts.id1.{ORIGIN}.\n"
            f"_smtp._tls CNAME _smtp._tls.id1.{ORIGIN}.\n"
            f"dangling CNAME nothing.{ORIGIN}."}))
    unbound = stack.enter_context(Unbound(tmp_path / "unbound", {
        "customer.example": customer.port, ORIGIN: zone.port}))
    assert ask_dns.txt(unbound.port, "_mta-sts.customer.example") == [
        "v=STSv1; id=20261121T194000Z"]
    assert ask_dns.txt(unbound.port, "_smtp._tls.customer.example") == [
        "v=TLSRPTv1; rua=mailto:id1@rua.example.net"]
    answer = ask_dns.ask(unbound.port, "mta-sts.customer.example", "AAAA")
    assert ask_dns.rdata(answer, "AAAA") == ["2001:db8::1"]
    assert ask_dns.rcode(ask_dns.ask(
        unbound.port, "dangling.customer.example", "A")) == "NXDOMAIN"
