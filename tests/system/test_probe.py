# SPDX-License-Identifier: Apache-2.0
"""The probe role over its socket, with real name servers: what they say, what
they do not agree about, and what cannot be found out (which is no pass)."""

import contextlib
import http.server
import json
import socket
import threading
import time

import pytest

from harness.knot import Knot
from harness.moat import HOST, Moat
from harness.ports import free_port

ZONE = "customer.example"
LONELY = "lonely.example"
ASK_S = 40
RECORDS = """
@ MX 10 mx1
@ MX 20 MX2
mta-sts CNAME alias
alias CNAME id.sts.example.net.
flat A 127.0.0.1
wrong CNAME elsewhere.example.
loop CNAME loop2
loop2 CNAME loop
_moat TXT "the token"
two TXT "one" "piece"
ca CAA 0 issue "ca.example"
ca CAA 0 iodef "mailto:x@example.net"
sub.ca A 127.0.0.1
account CAA 0 issue "ca.example; accounturi=https://ca.example/1"
method CAA 0 issue "ca.example; validationmethods=dns-01,http-01"
nobody CAA 0 issue ";"
critical CAA 128 strange "x"
wild CAA 0 issuewild "other.example"
www A 127.0.0.1
slow A 127.0.0.1
slow A 127.0.0.2
slow A 127.0.0.3
slow A 127.0.0.4
"""


def everything(s):
    """All that comes until the other side closes."""
    got = b""
    while chunk := s.recv(65536):
        got += chunk
    return got


class Probe:
    def __init__(self, moat):
        self.path = str(moat.run_dir / "probe.sock")

    def __call__(self, kind, **question):
        text = json.dumps({"probe": kind, **question}).encode()
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(ASK_S)
            s.connect(self.path)
            s.sendall(b"%d:%s," % (len(text), text))
            answer = everything(s)
        length, _, rest = answer.partition(b":")
        assert rest[-1:] == b"," and len(rest) == int(length) + 1
        return json.loads(rest[:-1])

    def result(self, kind, **question):
        return self(kind, **question)["result"]


class Lab:
    def __init__(self, stack, folder):
        self.one = stack.enter_context(Knot(folder / "one", {ZONE: RECORDS}))
        self.two = stack.enter_context(Knot(folder / "two", {ZONE: RECORDS}))
        self.silent = free_port()
        self.web = free_port()
        self.moat = stack.enter_context(Moat(folder / "moat", {
            "server": {"roles": "probe"},
            "probe": {
                "stubs": f"{ZONE}={HOST}:{self.one.port} "
                         f"{ZONE}={HOST}:{self.two.port} "
                         f"{LONELY}={HOST}:{self.silent}",
                "http_port": self.web,
                "timeout": "5s",
            }}))
        self.ask = Probe(self.moat)


@pytest.fixture
def lab(stack, tmp_path):
    return Lab(stack, tmp_path)


def test_cname(lab):
    ask, target = lab.ask, "id.sts.example.net"
    through = ask("cname", name=f"mta-sts.{ZONE}", target=target)
    assert through["result"] == "pass"
    assert through["found"] == [f"alias.{ZONE}", target]
    assert ask.result("cname", name=f"MTA-STS.{ZONE}.",
                      target="ID.sts.Example.net.") == "pass"
    missing = ask("cname", name=f"none.{ZONE}", target=target)
    assert missing["result"] == "fail" and missing["missing"]
    flat = ask("cname", name=f"flat.{ZONE}", target=target)
    assert flat["result"] == "fail" and not flat["missing"]
    assert "records of its own (127.0.0.1)" in flat["detail"]
    assert ask.result("cname", name=f"loop.{ZONE}", target=target) == "fail"
    # Where the wrong target leads nobody can say, but not to us.
    assert ask.result("cname", name=f"wrong.{ZONE}", target=target) != "pass"


def test_txt(lab):
    ask = lab.ask
    assert ask.result("txt", name=f"_moat.{ZONE}", value="the token") == "pass"
    assert ask.result("txt", name=f"two.{ZONE}", value="onepiece") == "pass"
    other = ask("txt", name=f"_moat.{ZONE}", value="token")
    assert other["result"] == "fail" and other["found"] == ["the token"]
    assert ask("txt", name=f"no.{ZONE}", value="x")["missing"]


def test_servers_that_disagree(lab):
    ask = lab.ask
    mx = ask("mx", name=ZONE)
    assert mx["result"] == "pass"
    assert mx["found"] == [f"mx1.{ZONE}", f"mx2.{ZONE}"]
    lab.two.set_zone(ZONE, "@ MX 10 evil.example.\n_moat TXT \"new\"\n")
    assert ask.result("mx", name=ZONE) == "fail"
    assert ask.result("txt", name=f"_moat.{ZONE}", value="new") == "fail"
    half = ask("cname", name=f"mta-sts.{ZONE}", target="id.sts.example.net")
    assert half["result"] == "fail" and "not" in half["detail"]


def test_a_dead_server_is_noted_and_two_are_unknown(lab):
    lab.two.__exit__(None, None, None)
    mx = lab.ask("mx", name=ZONE)
    assert mx["result"] == "pass" and mx["notes"]
    for kind, more in (("mx", {}), ("txt", {"value": "x"}),
                       ("cname", {"target": "x.example"}),
                       ("authoritative", {"type": "A"}),
                       ("caa", {"issuer": "ca.example"})):
        assert lab.ask.result(kind, name=LONELY, **more) == "unknown", kind


def test_caa(lab):
    def may(name, issuer="ca.example", **more):
        return lab.ask.result("caa", name=f"{name}.{ZONE}", issuer=issuer,
                              **more)

    assert may("www") == "pass"
    assert may("ca") == "pass" and may("sub.ca") == "pass"
    assert may("ca", "other.example") == "fail"
    assert may("sub.ca", "other.example") == "fail"
    account = "https://ca.example/1"
    assert may("account", account=account) == "pass"
    assert may("account", account=account + "0") == "fail"
    assert may("method", method="http-01") == "pass"
    assert may("method", method="tls-alpn-01") == "fail"
    assert may("nobody") == "fail"
    assert may("critical") == "fail"
    assert may("wild") == "pass"


def test_soa(lab):
    def shows(serial, servers=()):
        return lab.ask.result("soa", zone=ZONE, serial=serial,
                              servers=list(servers))

    assert shows(1) == "pass" and shows(2) == "fail"
    one = f"{HOST}:{lab.one.port}"
    assert shows(1, [one]) == "pass"
    assert shows(1, [one, f"{HOST}:{lab.silent}"]) == "unknown"


def test_http(lab):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"proof" if self.path == "/.well-known/x" else b"?"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def gets(path, expect):
        return lab.ask.result("http", host=f"www.{ZONE}", path=path,
                              expect=expect)

    assert gets("/.well-known/x", "proof") == "unknown"  # nobody listens
    server = http.server.ThreadingHTTPServer((HOST, lab.web), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert gets("/.well-known/x", "proof") == "pass"
        assert gets("/other", "proof") == "fail"
        assert lab.ask.result("http", host=f"mx1.{ZONE}", path="/",
                              expect="") == "fail"  # no address
    finally:
        server.shutdown()
        server.server_close()


def test_slow_addresses_share_the_time_of_one_probe(lab):
    """The timeout is that of the probe, however many addresses a host has:
    there are few threads, and whoever owns a domain owns its web servers."""
    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(3)
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"proof")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("", lab.web), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = lab.ask("http", host=f"slow.{ZONE}", path="/", expect="proof")
        assert answer["result"] == "unknown", answer
        assert "no time is left" in answer["detail"]
    finally:
        server.shutdown()
        server.server_close()


def test_private_addresses_are_refused(stack, tmp_path):
    zone = stack.enter_context(Knot(tmp_path / "one", {ZONE: RECORDS}))
    moat = stack.enter_context(Moat(tmp_path / "moat", {
        "server": {"roles": "probe"},
        "probe": {"stubs": f"{ZONE}={HOST}:{zone.port}",
                  "allow_private": "no"}}))
    ask = Probe(moat)
    for kind, more in (("http", {"path": "/", "expect": ""}), ("https", {})):
        answer = ask(kind, host=f"www.{ZONE}", **more)
        assert answer["result"] == "unknown"
        assert any("not a public address" in n for n in answer["notes"])


def test_questions_that_are_none(lab):
    for question in ({}, {"name": "a..b", "target": "x"}, {"name": 3},
                     {"name": "x" * 300, "target": "y"}):
        assert lab.ask.result("cname", **question) == "unknown"
    assert lab.ask.result("nothing") == "unknown"
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(ASK_S)
        s.connect(lab.ask.path)
        s.sendall(b"3:{}{,")
        assert b"unknown" in everything(s)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(ASK_S)
        s.connect(lab.ask.path)
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(100) == b""
    assert lab.ask.result("nothing") == "unknown"
    assert not lab.moat.process.log_lines(r"role\.crashed")
