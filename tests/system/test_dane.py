# SPDX-License-Identifier: Apache-2.0
"""DANE discovery (RFC 7672 section 2.2) against zones that Knot signed:
validated here by libunbound, and by the AD bit of a real Unbound."""

import contextlib
import re
import tempfile
from pathlib import Path

import pytest

from harness.dns_ask import DnsAsk
from harness.knot import Knot, Whole
from harness.unbound import Unbound

EE = "3 1 1 " + "ab" * 32
TA = "2 0 1 " + "cd" * 32
PKIX = "1 1 1 " + "ab" * 32
SHORT = "3 1 1 " + "ab" * 20

SIGNED = f"""
mx1 A 127.0.0.1
_25._tcp.mx1 TLSA {EE}
_465._tcp.mx1 TLSA {TA}
mx2 AAAA ::1
_25._tcp.mx2 TLSA {TA}
_25._tcp.mx2 TLSA {PKIX}
bare A 127.0.0.1
odd A 127.0.0.1
_25._tcp.odd TLSA {PKIX}
_25._tcp.odd TLSA {SHORT}
alias CNAME mx1
alias2 CNAME bare
_25._tcp.alias2 TLSA {EE}
alias3 CNAME host.plain.example.
_25._tcp.alias3 TLSA {EE}
alias4 CNAME host.plain.example.
both CNAME mx1
_25._tcp.both TLSA {PKIX}
shared A 127.0.0.1
_25._tcp.shared CNAME tlsa-records
tlsa-records TLSA {EE}
outside A 127.0.0.1
_25._tcp.outside CNAME tlsa.plain.example.
cut A 127.0.0.1
_tcp.cut NS ns
_tcp.cut DS 1 13 2 {"00" * 32}
open A 127.0.0.1
_tcp.open NS ns
noaddr TXT none
all MX 20 mx2
all MX 10 mx1
one MX 10 mx1
some MX 10 mx1
some MX 20 bare
none MX 10 bare
odd-only MX 10 odd
odd-too MX 10 odd
odd-too MX 20 mx1
aliased MX 10 alias
aliased2 MX 10 alias2
aliased3 MX 10 alias3
aliased4 MX 10 alias4
aliased5 MX 10 both
shared-tlsa MX 10 shared
outside-tlsa MX 10 outside
implicit A 127.0.0.1
_25._tcp.implicit TLSA {EE}
implicit-none A 127.0.0.1
null MX 0 .
gone-too MX 10 mx1
gone-too MX 20 gone
gone-only MX 10 gone
noaddr-too MX 10 noaddr
noaddr-too MX 20 mx1
bogus-too MX 10 host.bogus.example.
bogus-too MX 20 mx1
bogus-none MX 10 host.bogus.example.
bogus-none MX 20 bare
bogus-only MX 10 host.bogus.example.
cut-only MX 10 cut
cut-too MX 10 cut
cut-too MX 20 mx1
cut-none MX 10 cut
cut-none MX 20 bare
opened MX 10 open
www CNAME all
to-plain CNAME domain.plain.example.
bad MX 10 bad\\032name
bad MX 20 mx1
many MX 10 mx1
""" + "\n".join(f"many MX {20 + i} gone{i}" for i in range(20))

PLAIN = f"""
domain MX 10 mx1.signed.example.
host A 127.0.0.1
_25._tcp.host TLSA {EE}
tlsa TLSA {EE}
here A 127.0.0.1
via MX 10 host
"""

NSEC3 = f"""
domain MX 10 mx1.signed.example.
none MX 10 bare
bare A 127.0.0.1
implicit A 127.0.0.1
_25._tcp.implicit TLSA {EE}
"""

OPEN = f"_25 TLSA {EE}\n"
CUT = f"_25 TLSA {EE}\n"
BOGUS = "domain MX 10 host\nhost A 127.0.0.1\n"
BROKEN = f"domain MX 10 mx\nmx A 127.0.0.1\n_25._tcp.mx TLSA {EE}\n"

ZONES = {"signed.example": SIGNED, "plain.example": PLAIN,
         "nsec3.example": NSEC3, "bogus.example": BOGUS,
         "_tcp.open.signed.example": OPEN, "_tcp.cut.signed.example": CUT}
SIGN = ["signed.example", "nsec3.example", "bogus.example",
        "_tcp.cut.signed.example"]


class World:
    """The zones of ZONES; bogus.example has an anchor that is not its own;
    in broken.example the TLSA record no longer fits its signature."""

    def __init__(self, folder):
        self.knot = Knot(folder / "knot", ZONES, sign=SIGN,
                         nsec3=["nsec3.example"])
        self.first = Knot(folder / "first", {"broken.example": BROKEN},
                          sign=["broken.example"])
        self.folder = folder
        self.servers = contextlib.ExitStack()
        self.broken = self.unbound = None

    @property
    def stubs(self):
        return {"signed.example": self.knot.port,
                "plain.example": self.knot.port,
                "nsec3.example": self.knot.port,
                "bogus.example": self.knot.port,
                "broken.example": self.broken.port}

    def break_zone(self):
        """Signs broken.example, then changes a record behind its back."""
        with self.first:
            text = self.first.dump("broken.example")
            anchor = self.first.ds("broken.example")
        changed = re.sub(r"(TLSA 3 1 1 )ab", r"\g<1>ba", text)
        assert changed != text
        self.broken = self.servers.enter_context(
            Knot(self.folder / "broken", {"broken.example": Whole(changed)}))
        return anchor

    def start(self):
        self.servers.enter_context(self.knot)
        anchors = [self.knot.ds("signed.example"),
                   self.knot.ds("nsec3.example"), self.break_zone(),
                   f"bogus.example. DS 1 13 2 {'11' * 32}"]
        (self.folder / "anchors").write_text("\n".join(anchors) + "\n")
        self.unbound = self.servers.enter_context(
            Unbound(self.folder / "unbound", self.stubs, anchors=anchors))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.servers.close()
            raise
        return self

    def ask(self, mode):
        if mode == "validate":
            return DnsAsk("validate", f"anchor={self.folder}/anchors",
                          "check=signed.example", "server=127.0.0.1:9",
                          *(f"stub={zone}=127.0.0.1:{port}"
                            for zone, port in self.stubs.items()))
        return DnsAsk(mode, "check=signed.example",
                      servers=[self.unbound.port])

    def __exit__(self, *_):
        self.servers.close()


@pytest.fixture(scope="module")
def world():
    with tempfile.TemporaryDirectory(prefix="moat-test-") as folder:
        Path(folder).chmod(0o755)
        with World(Path(folder)) as w:
            yield w


@pytest.fixture(scope="module", params=["validate", "trust"])
def asker(world, request):
    with world.ask(request.param) as program:
        program.mode = request.param
        yield program


def hosts(result):
    return {host["name"].replace(".signed.example", ""): host["dane"]
            for host in result["mx"]}


@pytest.mark.parametrize("domain, state, want", [
    ("all", "all", {"mx1": "usable", "mx2": "usable"}),
    ("one", "all", {"mx1": "usable"}),
    ("some", "some", {"mx1": "usable", "bare": "none"}),
    ("none", "absent", {"bare": "none"}),
    # RFC 7672 section 2.2: TLS, but nobody is authenticated
    ("odd-only", "some", {"odd": "unusable"}),
    ("odd-too", "some", {"odd": "unusable", "mx1": "usable"}),
    # CNAMEs, section 2.2.3
    ("aliased", "all", {"alias": "usable"}),
    ("aliased2", "all", {"alias2": "usable"}),
    ("aliased3", "all", {"alias3": "usable"}),
    ("aliased4", "absent", {"alias4": "none"}),
    ("aliased5", "all", {"both": "usable"}),
    ("shared-tlsa", "all", {"shared": "usable"}),
    ("outside-tlsa", "absent", {"outside": "none"}),
    ("www", "all", {"mx1": "usable", "mx2": "usable"}),
    ("to-plain", "absent", {"mx1": "unknown"}),
    # no MX: the domain itself, section 2.2.1
    ("implicit", "all", {"implicit": "usable"}),
    ("implicit-none", "absent", {"implicit-none": "none"}),
    ("noaddr", "absent", {"noaddr": "no-address"}),
    # what cannot be reached holds nothing up
    ("gone-too", "all", {"mx1": "usable", "gone": "no-address"}),
    ("gone-only", "absent", {"gone": "no-address"}),
    ("noaddr-too", "all", {"noaddr": "no-address", "mx1": "usable"}),
    ("bogus-too", "all", {"host.bogus.example": "broken", "mx1": "usable"}),
    ("bogus-none", "some", {"host.bogus.example": "broken",
                            "bare": "none"}),
    ("bogus-only", "temp", {"host.bogus.example": "broken"}),
    # what cannot be looked up proves nothing, section 2.1.2
    ("cut-only", "temp", {"cut": "temp"}),
    ("cut-too", "some", {"cut": "temp", "mx1": "usable"}),
    ("cut-none", "some", {"cut": "temp", "bare": "none"}),
    # a delegation that is not signed
    ("opened", "absent", {"open": "none"}),
    ("bad", "all", {"mx1": "usable"}),
])
def test_hosts(asker, domain, state, want):
    result = asker.discover(f"{domain}.signed.example")
    assert (result["state"], hosts(result)) == (state, want), result
    assert result["mx_known"] and result["mx_secure"] == (
        domain != "to-plain")
    assert result["implicit_mx"] == (
        domain in ("implicit", "implicit-none", "noaddr"))
    if state != "temp":
        assert 60 <= result["ttl"] <= 3600


def test_hosts_come_by_preference(asker):
    result = asker.discover("all.signed.example")
    assert [h["preference"] for h in result["mx"]] == [10, 20]
    assert result["usable"] == 2


@pytest.mark.parametrize("domain, base", [
    ("aliased", "mx1"),     # the end of the chain
    ("aliased2", "alias2"),  # the end has none: the name itself
    ("aliased3", "alias3"),  # the end is not signed: the name itself
    ("aliased5", "mx1"),    # both have: the end
])
def test_tlsa_base_domain(asker, domain, base):
    result = asker.discover(f"{domain}.signed.example")
    assert result["mx"][0]["tlsa_base"] == f"{base}.signed.example"


def test_tlsa_base_of_an_alias_asks_the_end_first(asker):
    steps = asker.discover("aliased2.signed.example")["steps"]
    assert [(s["name"].split(".signed")[0], s["outcome"]) for s in steps
            if s["type"] == 52] == [("_25._tcp.bare", "nxdomain"),
                                    ("_25._tcp.alias2", "found")]


def test_unsigned_addresses_are_not_asked_for_tlsa(asker):
    steps = asker.discover("aliased4.signed.example")["steps"]
    assert [s["type"] for s in steps] == [15, 1, 5, 52]
    steps = asker.host("here.plain.example")["steps"]
    assert [s["type"] for s in steps] == [1]


@pytest.mark.parametrize("domain, known", [
    ("domain.plain.example", True),  # MX not signed, TLSA behind it or not
    ("via.plain.example", True),
])
def test_unsigned_mx_is_no_dane(asker, domain, known):
    result = asker.discover(domain)
    assert (result["state"], result["mx_secure"]) == ("absent", False)
    assert result["mx_known"] == known
    assert [h["dane"] for h in result["mx"]] == ["unknown"]
    assert [s["type"] for s in result["steps"]] == [15]


def test_null_mx(asker):
    result = asker.discover("null.signed.example")
    assert (result["state"], result["null_mx"]) == ("absent", True)
    assert result["mx"] == []


def test_nobody_is_there(asker):
    result = asker.discover("nobody.signed.example")
    assert (result["state"], result["mx_known"]) == ("absent", True)
    assert result["mx"] == [] and not result["implicit_mx"]


@pytest.mark.parametrize("domain, state, want", [
    ("domain", "all", {"mx1": "usable"}),
    ("none", "absent", {"bare.nsec3.example": "none"}),
    ("implicit", "all", {"implicit.nsec3.example": "usable"}),
    ("nobody", "absent", {}),
])
def test_nsec3(asker, domain, state, want):
    result = asker.discover(f"{domain}.nsec3.example")
    assert (result["state"], hosts(result)) == (state, want)
    assert result["mx_secure"]


def test_bogus_domain_is_temporary(asker):
    result = asker.discover("domain.bogus.example")
    assert (result["state"], result["mx_known"]) == ("temp", False)
    assert result["ttl"] == 30
    assert result["why"].startswith("the MX look-up failed")
    want = "bogus" if asker.mode == "validate" else "failed"
    assert result["steps"][0]["outcome"] == want


def test_broken_signature_of_tlsa_is_temporary(asker):
    result = asker.discover("domain.broken.example")
    assert result["state"] == "temp"
    assert [h["dane"] for h in result["mx"]] == ["temp"]
    assert [s["secure"] for s in result["steps"]] == [True, True, False]


def test_smart_host(asker):
    result = asker.host("mx1.signed.example", 465)
    assert (result["state"], result["mx_secure"]) == ("all", True)
    assert [s["name"] for s in result["steps"]] == [
        "mx1.signed.example", "_465._tcp.mx1.signed.example"]
    assert asker.host("mx1.signed.example", 587)["state"] == "absent"
    assert asker.host("mx1.signed.example")["state"] == "all"
    assert asker.host("gone.signed.example")["state"] == "absent"


def test_port_of_a_domain(asker):
    assert asker.discover("one.signed.example", 465)["state"] == "all"
    assert asker.discover("one.signed.example", 26)["state"] == "absent"


def test_many_hosts_in_a_few_slots(asker):
    result = asker.discover("many.signed.example")
    assert result["state"] == "all"
    assert len(result["mx"]) == 21


def test_many_discoveries_at_once(asker):
    for _ in range(50):
        asker.send("discover all.signed.example")
    for _ in range(50):
        assert asker.read()["state"] == "all"


def test_evidence_shows_the_records(asker):
    steps = asker.discover("odd-only.signed.example")["steps"]
    assert steps[0]["text"] == "10 odd.signed.example."
    assert "RFC 7672 section 3.1.3" in steps[2]["text"]
    assert "not as long as its digest" in steps[2]["text"]


def test_self_test_is_good(world):
    for mode in ("validate", "trust"):
        with world.ask(mode) as program:
            assert program.check() == "good"


def test_off_still_knows_the_hosts(world):
    with world.ask("off") as program:
        result = program.discover("all.signed.example")
        assert result["state"] == "off"
        assert 60 <= result["ttl"] <= 3600  # that of the records
        assert [h["name"] for h in result["mx"]] == [
            "mx1.signed.example", "mx2.signed.example"]
        assert result["why"] == "DNSSEC is switched off"


def test_an_anchor_that_does_not_fit_is_found_out(world):
    with DnsAsk("validate", f"anchor={world.folder}/anchors",
                "check=bogus.example", "server=127.0.0.1:9",
                f"stub=bogus.example=127.0.0.1:{world.knot.port}") as program:
        answer = program.ask("check")
        assert answer["dnssec"] == "broken"
        assert "a signed name is bogus" in answer["why"]
