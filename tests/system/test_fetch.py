# SPDX-License-Identifier: Apache-2.0
"""How a sender looks up a record and fetches a policy (RFC 8461 sections 3.1
to 3.3), against real servers: io/https_get and outbound/sts_discover through
the program policy_fetch."""

import gzip
import ipaddress
import json
import os
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from harness.knot import Knot
from harness.policy_host import DAY, Authority, PolicyHost, answer
from harness.ports import free_port
from harness.unbound import Unbound

DOMAIN = "a.example"
NAME = f"mta-sts.{DOMAIN}"
POLICY = (b"version: STSv1\r\nmode: enforce\r\nmx: mail.a.example\r\n"
          b"max_age: 86400\r\n")
MEGABYTE = b"x" * 1000000
GOOD = answer(POLICY)
POLICY_FETCH = Path(os.environ["MOAT_BUILD"]) / "tests/system/tools/policy_fetch"


def ask(*words, **env):
    done = subprocess.run([str(w) for w in (POLICY_FETCH, *words)],
                          capture_output=True, timeout=60, check=False,
                          env={**os.environ, **env})
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(scope="module", name="ca")
def fixture_ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module", name="cert")
def fixture_cert(ca):
    return ca.issue(NAME)


def get(ca, host, *options, also=(), **env):
    return ask("--ca", ca.file, *options, "get", NAME, *also,
               f"127.0.0.1:{host.port}", **env)


def chunked(body, size=1000):
    pieces = [body[i:i + size] for i in range(0, len(body), size)] + [b""]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)


# ---- what is sent ----

def test_request(ca, cert):
    """Checklist 9: SNI is the policy host. Nothing else is given away."""
    with PolicyHost(cert, GOOD) as host:
        got = get(ca, host)
    assert (got["outcome"], got["status"]) == ("done", 200)
    assert got["body"] == POLICY.decode()
    assert got["content_type"] == "text/plain"
    assert got["cert"] == "good"
    assert got["issuer"] == "/CN=test CA"
    assert got["from"] == f"127.0.0.1:{host.port}"
    assert host.names == [NAME]
    assert host.requests == [
        f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {NAME}\r\n"
        "User-Agent: moat/test (MTA-STS)\r\nAccept: text/plain, */*\r\n"
        "Connection: close\r\n\r\n"]


def test_no_proxy(ca, cert):
    """The environment cannot send us elsewhere."""
    proxy = f"http://127.0.0.1:{free_port()}"
    names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
             "http_proxy"]
    with PolicyHost(cert, GOOD) as host:
        got = get(ca, host, **{name: proxy for name in names})
    assert got["outcome"] == "done"


# ---- certificates: checklist 10 ----

@pytest.mark.parametrize("names, kind, verdict", [
    ([NAME], {}, "good"),
    ([NAME.upper()], {}, "good"),
    (["*.a.example"], {}, "good"),
    (["other.example", NAME], {}, "good"),
    ([NAME], {"since": -3 * DAY, "until": -DAY}, "expired"),
    ([NAME], {"since": DAY, "until": 3 * DAY}, "not-yet-valid"),
    ([NAME], {"self_signed": True}, "self-signed"),
    (["other.a.example"], {}, "host-mismatch"),
    (["a.example"], {}, "host-mismatch"),
    ([f"x.{NAME}"], {}, "host-mismatch"),
    ([], {"subject": NAME}, "host-mismatch"),
    (["other.example"], {"subject": NAME}, "host-mismatch"),
    (["mta*.a.example"], {}, "host-mismatch"),
    (["*-sts.a.example"], {}, "host-mismatch"),
    (["mta-sts.*.example"], {}, "host-mismatch"),
    (["*.example"], {}, "host-mismatch"),
    (["*.*.example"], {}, "host-mismatch"),
    (["*"], {}, "host-mismatch"),
    ([ipaddress.ip_address("127.0.0.1")], {}, "host-mismatch"),
])
def test_certificate(ca, names, kind, verdict):
    with PolicyHost(ca.issue(*names, **kind), GOOD) as host:
        got = get(ca, host)
    assert got["cert"] == verdict
    assert got["outcome"] == ("done" if verdict == "good" else "cert")
    assert got["not_after"] > 0
    if verdict != "good":
        assert not host.requests
        assert got["why"].startswith("127.0.0.1: ")


def test_unknown_ca(ca, tmp_path):
    other = Authority(tmp_path, "another CA")
    with PolicyHost(other.issue(NAME), GOOD) as host:
        got = get(ca, host)
        assert (got["outcome"], got["cert"]) == ("cert", "unknown-ca")
        assert got["issuer"] == "/CN=another CA"
        assert get(other, host)["outcome"] == "done"


def test_bundle(ca, cert, tmp_path):
    """A CA counts wherever it stands in a bundle; none is no bundle."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Authority(tmp_path, "first CA").file.read_bytes()
                       + ca.file.read_bytes())
    with PolicyHost(cert, GOOD) as host:
        words = ["get", NAME, f"127.0.0.1:{host.port}"]
        assert ask("--ca", bundle, *words)["outcome"] == "done"
        assert ask(*words)["cert"] == "unknown-ca"
    for text in ("", "nothing\n"):
        bundle.write_text(text)
        done = subprocess.run([POLICY_FETCH, "--ca", bundle, *words],
                              capture_output=True, check=False)
        assert done.returncode == 1
        assert b"no certificate" in done.stderr


# ---- TLS and connections ----

WEAK_OPENSSL = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = weak
[weak]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
"""


@pytest.mark.parametrize("least, most, outcome", [
    (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "tls"),
    (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "done"),
    (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, "done"),
])
def test_tls_version(ca, cert, tmp_path, least, most, outcome):
    """Checklist 29, also where the machine's OpenSSL would take less."""
    weak = tmp_path / "openssl.cnf"
    weak.write_text(WEAK_OPENSSL)
    with PolicyHost(cert, GOOD, versions=(least, most)) as host:
        assert get(ca, host)["outcome"] == outcome
        assert get(ca, host, OPENSSL_CONF=str(weak))["outcome"] == outcome


@pytest.mark.parametrize("cipher, outcome", [
    ("DHE-RSA-AES128-GCM-SHA256", "tls"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "done"),
    ("AES128-SHA", "done"),
])
def test_tls_ciphers(ca, tmp_path, cipher, outcome):
    """The group of DHE is the server's to choose: with one of 10,000 bits a
    handshake would stop the loop for most of a second."""
    group = tmp_path / "group.pem"
    subprocess.run(["openssl", "dhparam", "-dsaparam", "-out", group, "2048"],
                   check=True, capture_output=True, timeout=60)
    version = ssl.TLSVersion.TLSv1_2
    with PolicyHost(ca.issue(NAME, by_rsa=True), GOOD,
                    versions=(version, version)) as host:
        host.context.load_dh_params(group)
        host.context.set_ciphers(cipher)
        assert get(ca, host)["outcome"] == outcome


def test_plain_http_on_the_port(ca):
    with PolicyHost(None, GOOD) as host:
        got = get(ca, host)
    assert got["outcome"] == "tls"


def test_closed_port(ca):
    got = ask("--ca", ca.file, "get", NAME, f"127.0.0.1:{free_port()}")
    assert got["outcome"] == "connect"
    assert "refused" in got["why"]


def test_no_address(ca):
    assert ask("--ca", ca.file, "get", NAME)["outcome"] == "no-address"


def test_next_address(ca, cert):
    """Addresses that do not let us connect cost their time, no more."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full, \
            PolicyHost(cert, GOOD) as host:
        at = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for s in waiting:
            s.setblocking(False)
            s.connect_ex(at)
        got = get(ca, host, "--connect", "300",
                  also=[f"127.0.0.1:{free_port()}", "[::1]:1",
                        f"127.0.0.1:{at[1]}"])
        for s in waiting:
            s.close()
    assert got["outcome"] == "done"


def test_closed_at_once(ca, cert):
    with PolicyHost(cert, lambda *_: None) as host:
        assert get(ca, host)["outcome"] == "io"


# ---- answers ----

@pytest.mark.parametrize("status", [
    "301 Moved Permanently", "302 Found", "304 Not Modified", "404 Not Found",
    "500 Internal Server Error", "206 Partial Content"])
def test_status(ca, cert, status):
    """Checklist 11: no other status than 200 is followed or read."""
    with PolicyHost(cert, answer(
            MEGABYTE, f"Location: https://{NAME}/other",
            status=status)) as host:
        got = get(ca, host)
    assert (got["outcome"], got["status"]) == ("done", int(status[:3]))
    assert got["body"] == ""
    assert len(host.requests) == 1


CHUNKED = "Transfer-Encoding: chunked"
ANSWERS = {
    "empty": (answer(b""), True, "done"),
    "to the close": (answer(POLICY, length=False), True, "done"),
    "cut, length unknown": (answer(POLICY, length=False), False, "io"),
    "cut by three bytes": (GOOD[:-3], True, "io"),
    "cut in the head": (GOOD[:40], True, "io"),
    "chunked": (answer(chunked(POLICY, 7), CHUNKED, length=False), False,
                "done"),
    "chunked, cut": (answer(chunked(POLICY)[:-4], CHUNKED, length=False),
                     True, "io"),
    "chunked, broken": (answer(b"zz\r\n", CHUNKED, length=False), True,
                        "protocol"),
    "chunked, with a length": (answer(chunked(POLICY), CHUNKED), True,
                               "protocol"),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + GOOD, True, "done"),
    "interim without end": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + GOOD,
                            True, "protocol"),
    "switching": (b"HTTP/1.1 101 Switching\r\n\r\n" + GOOD, True,
                  "protocol"),
    "SMTP": (b"220 mail.a.example ESMTP\r\n\r\n", True, "protocol"),
    "bare LF": (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", True, "protocol"),
    "1 MB": (answer(MEGABYTE), True, "too-big"),
    "64 KiB": (answer(b"x" * 65536), True, "done"),
    "64 KiB and one": (answer(b"x" * 65537), True, "too-big"),
    "1 MB to the close": (answer(MEGABYTE, length=False), True, "too-big"),
    "1 MB chunked": (answer(chunked(MEGABYTE), CHUNKED, length=False), True,
                     "too-big"),
    "chunks with much around them": (
        answer((b"1;x=" + b"y" * 200 + b"\r\nx\r\n") * 5000, CHUNKED,
               length=False), True, "too-big"),
    "large head": (answer(POLICY, *(f"X-{i}: {'x' * 1000}"
                                    for i in range(20))), True, "too-big"),
    "gzip": (answer(gzip.compress(POLICY), "Content-Encoding: gzip"), True,
             "protocol"),
    "identity": (answer(POLICY, "Content-Encoding: identity"), True, "done"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(ca, cert, name):
    response, bye, outcome = ANSWERS[name]
    with PolicyHost(cert, response, bye=bye) as host:
        assert get(ca, host)["outcome"] == outcome


def drip(connection, stop):
    """A byte now and then, for ever."""
    connection.sendall(answer(b"", "Content-Length: 60000", length=False))
    while not stop.wait(0.02):
        connection.sendall(b"x")


def silence(_, stop):
    stop.wait(20)


@pytest.mark.parametrize("response", [drip, silence])
def test_deadline(ca, cert, response):
    """Checklist 13: the whole is limited, not each byte."""
    with PolicyHost(cert, response) as host:
        assert get(ca, host, "--deadline", "400")["outcome"] == "time"


def test_deadline_in_handshake(ca):
    with socket.create_server(("127.0.0.1", 0)) as s:
        got = ask("--ca", ca.file, "--deadline", "300", "get", NAME,
                  f"127.0.0.1:{s.getsockname()[1]}")
    assert got["outcome"] == "time"
    assert "handshake" in got["why"]


# ---- the record: checklist 1 to 7 ----

LONG = "x" * 250
ZONE = f"""
_mta-sts.good TXT "v=STSv1; id=20260101T000000Z;"
_mta-sts.strings TXT "v=STSv" "1; i" "d=a1" ";"
_mta-sts.cname CNAME _mta-sts.hosted.other
_mta-sts.hosted.other CNAME _mta-sts.good
_mta-sts.others TXT "v=spf1 -all"
_mta-sts.others TXT "v=STSv1; id=b2; x=y"
_mta-sts.others TXT "v=STSv10; id=c3"
_mta-sts.twice TXT "v=STSv1; id=a1;"
_mta-sts.twice TXT "v=STSv1; id=a2;"
_mta-sts.erratum TXT "v=STSv1 ; id=a1;"
_mta-sts.both TXT "v=STSv1; id=a1;"
_mta-sts.both TXT "v=STSv1 ; id=a1;"
_mta-sts.noid TXT "v=STSv1;"
_mta-sts.dash TXT "v=STSv1; id=a-1;"
_mta-sts.long TXT "v=STSv1; id={'a' * 33};"
_mta-sts.third TXT "v=STSv1; a=1; id=a1; id=a2"
_mta-sts.spf TXT "v=spf1 -all"
_mta-sts.case TXT "V=stsv1; id=a1;"
_mta-sts.empty A 192.0.2.1
_mta-sts.many TXT "{LONG}" "{LONG}" "{LONG}" "{LONG}"
_mta-sts.many TXT "v=STSv1; id=a1;" " a=1;" " b={LONG[:200]};"
mta-sts.a A 127.0.0.1
mta-sts.alias CNAME mta-sts.a
mta-sts.v6 AAAA ::1
mta-sts.none TXT "nothing"
mta-sts.mixed A 10.0.0.1
mta-sts.mixed A 127.0.0.1
mta-sts.mixed AAAA 64:ff9b::a00:1
mta-sts.private A 10.0.0.1
mta-sts.private A 169.254.169.254
mta-sts.private AAAA ::1
mta-sts.private AAAA ::ffff:127.0.0.1
mta-sts.private AAAA fd00::1
mta-sts.private AAAA fe80::1
mta-sts.private AAAA 64:ff9b::7f00:1
mta-sts.private AAAA 2002:7f00:1::1
"""


@pytest.fixture(scope="module", name="resolver")
def fixture_resolver(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dns")
    with Knot(folder / "knot", {"example": ZONE}) as knot, \
            Unbound(folder / "unbound", {"example": knot.port}) as unbound:
        yield unbound


def dns(resolver):
    return "--dns", f"127.0.0.1:{resolver.port}"


@pytest.mark.parametrize("domain, outcome, id_", [
    ("good", "valid", "20260101T000000Z"),
    ("strings", "valid", "a1"),
    ("cname", "valid", "20260101T000000Z"),
    ("others", "valid", "b2"),
    ("erratum", "valid", "a1"),
    ("third", "valid", "a1"),
    ("many", "valid", "a1"),
    ("twice", "several", ""),
    ("both", "several", ""),
    ("noid", "invalid", ""),
    ("dash", "invalid", ""),
    ("long", "invalid", ""),
    ("spf", "none", ""),
    ("case", "none", ""),
    ("empty", "none", ""),
    ("absent", "none", ""),
    (f"{'a.' * 120}example", "none", ""),
])
def test_record(ca, resolver, domain, outcome, id_):
    name = domain if domain.endswith("example") else f"{domain}.example"
    got = ask("--ca", ca.file, *dns(resolver), "record", name)
    assert (got["outcome"], got["id"]) == (outcome, id_)
    assert bool(got["why"]) == (outcome != "valid")
    assert got["nxdomain"] == (domain == "absent")


def test_record_evidence(ca, resolver):
    """Checklist 2: the CNAME is followed, and known to have been."""
    got = ask("--ca", ca.file, *dns(resolver), "record", "cname.example")
    assert got["canonical"].rstrip(".") == "_mta-sts.good.example"
    assert got["text"] == "v=STSv1; id=20260101T000000Z;"
    got = ask("--ca", ca.file, *dns(resolver), "record", "others.example")
    assert got["texts"] == 3


def test_record_unknown(ca, resolver):
    """No answer is not "no record": neither silence nor SERVFAIL."""
    got = ask("--ca", ca.file, "--dns", f"127.0.0.1:{free_port()}",
              "--deadline", "1000", "record", "good.example")
    assert got["outcome"] == "temp"
    assert got["why"]
    with Knot(resolver.folder / "gone", {"gone.example": "@ A 127.0.0.1"}) as k, \
            Unbound(resolver.folder / "servfail",
                    {"gone.example": k.port}) as unbound:
        k.process.kill()
        got = ask("--ca", ca.file, *dns(unbound), "record", "gone.example")
    assert got["outcome"] == "temp"


# ---- the policy ----

def fetch(ca, resolver, host, *options, domain=DOMAIN):
    return ask("--ca", ca.file, *dns(resolver), *options, "--port", host.port,
               "fetch", domain)


@pytest.mark.parametrize("domain, name", [
    ("a.example", "mta-sts.a.example"), ("alias.example", "mta-sts.alias.example")])
def test_fetch(ca, resolver, domain, name):
    """The policy host is that of the domain, not where a CNAME leads."""
    with PolicyHost(ca.issue(name), GOOD) as host:
        got = fetch(ca, resolver, host, "--private", domain=domain)
    assert got["fetched"]
    assert (got["mode"], got["max_age"]) == ("enforce", 86400)
    assert got["text"] == POLICY.decode()
    assert host.names == [name]
    assert got["addresses"] == [f"127.0.0.1:{host.port}"]


def test_fetch_ipv6(ca, resolver):
    with PolicyHost(ca.issue("mta-sts.v6.example"), GOOD, address="::1") as host:
        got = fetch(ca, resolver, host, "--private", domain="v6.example")
    assert got["fetched"]


@pytest.mark.parametrize("content_type, taken", [
    ("text/plain", True),
    ("text/plain; charset=utf-8", True),
    ("Text/Plain;charset=iso-8859-1;a=b", True),
    ("text/html", False),
    ("text/plainer", False),
    ("application/octet-stream", False),
    (None, False),
])
def test_media_type(ca, cert, resolver, content_type, taken):
    """Checklist 12."""
    with PolicyHost(cert, answer(POLICY, content_type=content_type)) as host:
        got = fetch(ca, resolver, host, "--private")
    assert got["fetched"] == taken
    if not taken:
        assert (got["failure"], got["reason"]) == (
            "sts-policy-fetch-error", "media-type")


FETCH_ERROR, INVALID, WEBPKI = (
    "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid")


@pytest.mark.parametrize("response, failure, reason", [
    (answer(b"", status="404 Not Found"), FETCH_ERROR, "http-status-404"),
    (answer(b"", "Location: /", status="301 Moved"), FETCH_ERROR,
     "http-status-301"),
    (answer(b"<html>"), INVALID, "policy-syntax"),
    (answer(POLICY.replace(b"max_age", b"maxage")), INVALID, "policy-syntax"),
    (answer(POLICY + b"x" * 65536), FETCH_ERROR, "too-large"),
    (GOOD[:-5], FETCH_ERROR, "connection-broken"),
    (b"junk\r\n\r\n", FETCH_ERROR, "http-error"),
])
def test_fetch_failure(ca, cert, resolver, response, failure, reason):
    with PolicyHost(cert, response) as host:
        got = fetch(ca, resolver, host, "--private")
    assert not got["fetched"]
    assert (got["failure"], got["reason"]) == (failure, reason)
    assert got["why"].startswith(f"{NAME}: ")


@pytest.mark.parametrize("names, kind, reason", [
    (["other.example"], {}, "certificate-host-mismatch"),
    ([NAME], {"since": -3 * DAY, "until": -DAY}, "certificate-expired"),
    ([NAME], {"self_signed": True}, "certificate-self-signed"),
])
def test_fetch_certificate(ca, resolver, names, kind, reason):
    with PolicyHost(ca.issue(*names, **kind), GOOD) as host:
        got = fetch(ca, resolver, host, "--private")
    assert (got["failure"], got["reason"]) == (WEBPKI, reason)


def test_fetch_nothing_there(ca, resolver):
    class Nobody:
        port = free_port()

    got = fetch(ca, resolver, Nobody, "--private")
    assert (got["failure"], got["reason"]) == (FETCH_ERROR, "connect-failed")
    for domain in "none.example", "absent.example":
        got = fetch(ca, resolver, Nobody, "--private", domain=domain)
        assert (got["failure"], got["reason"]) == (
            FETCH_ERROR, "dns-no-address")
    got = ask("--ca", ca.file, "--dns", f"127.0.0.1:{free_port()}",
              "--deadline", "1000", "fetch", DOMAIN)
    assert (got["failure"], got["reason"]) == (FETCH_ERROR, "dns-error")


def test_fetch_slow(ca, cert, resolver):
    with PolicyHost(cert, drip) as host:
        got = fetch(ca, resolver, host, "--private", "--deadline", "500")
    assert (got["failure"], got["reason"]) == (FETCH_ERROR, "timeout")


# ---- addresses a stranger must not send us to ----

def test_private_addresses(ca, resolver):
    with PolicyHost(ca.issue("mta-sts.private.example"), GOOD) as host:
        got = fetch(ca, resolver, host, domain="private.example")
    assert (got["failure"], got["reason"]) == (FETCH_ERROR, "address-refused")
    assert (got["refused"], got["addresses"]) == (8, [])
    assert not host.names


def test_allowed_network(ca, resolver):
    """Of several addresses only those in the network are asked."""
    with PolicyHost(ca.issue("mta-sts.mixed.example"), GOOD) as host:
        got = fetch(ca, resolver, host, "--allow", "127.0.0.0/24",
                    domain="mixed.example")
    assert got["fetched"]
    assert got["refused"] == 2
    assert got["addresses"] == [f"127.0.0.1:{host.port}"]
