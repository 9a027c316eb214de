# SPDX-License-Identifier: Apache-2.0
"""moat validates itself, and somebody on the way to its resolver strips the
signatures off, so that all of DNSSEC is bogus. What was good stays so for a
day: DANE is not switched off, mail waits (docs/threat-model.md)."""

import dns.flags
import dns.query
from dns import rdatatype

from harness.clock import Clock
from harness.fake_dns import FakeDns
from harness.knot import Knot, Whole
from harness.moat import HOST, Moat
from harness.ports import free_port
from harness.postmap import Postmap
from harness.process import wait_until

ZONE = "signed.example"
# Nothing is remembered by libunbound, so that forging is felt at once.
RECORDS = Whole(f"""\
$ORIGIN {ZONE}.
$TTL 0
@ SOA ns hostmaster 1 60 30 3600 0
@ NS ns
ns A 127.0.0.1
@ MX 10 mx
mx A 127.0.0.1
_25._tcp.mx TLSA 3 1 1 {"ab" * 32}
""")
HOUR_S, DAY_S = 3600, 86400
WAIT_S = 30


class Middle:
    """Between moat and the name server; forges while .forges is true."""

    def __init__(self, port):
        self.port = port
        self.forges = False

    def answer(self, query, tcp):
        ask = dns.query.tcp if tcp else dns.query.udp
        said = ask(query, HOST, WAIT_S, self.port)
        said.flags |= dns.flags.RA
        if self.forges:
            for section in (said.answer, said.authority):
                section[:] = [rrset for rrset in section
                              if rrset.rdtype != rdatatype.RRSIG]
        return [said]


def settings(folder, resolver, listen):
    return {
        "server": {"roles": "policy"},
        "policy": {
            "listen": f"{HOST}:{listen}",
            "resolver": f"{HOST}:{resolver}",
            "dnssec": "validate",
            "dnssec_check": ZONE,
            "root_anchor": folder / "anchor",
            "allow_private": "yes",
        },
    }


def test_forged_answers_do_not_switch_dane_off_for_a_day(stack, tmp_path):
    names = stack.enter_context(
        Knot(tmp_path / "knot", {ZONE: RECORDS}, sign=[ZONE]))
    (tmp_path / "anchor").write_text(names.ds(ZONE) + "\n")
    middle, clock, port = Middle(names.port), Clock(tmp_path), free_port()
    resolver = stack.enter_context(FakeDns(free_port(), middle.answer))
    moat = stack.enter_context(Moat(
        tmp_path / "moat", settings(tmp_path, resolver.port, port),
        env=clock.env))
    postfix = Postmap(tmp_path / "postfix", f"inet:{HOST}:{port}")

    def told():
        try:
            return postfix.ask("dane-sts", ZONE)
        except RuntimeError:
            return "TEMP"

    def dnssec():
        return moat.json("status")["policy"]["dnssec"]

    wait_until(lambda: dnssec() == "good", WAIT_S, "the self-test")
    wait_until(lambda: told() == "dane-only", WAIT_S, "DANE")
    middle.forges = True
    clock.jump(HOUR_S + 1)
    moat.process.wait_log(r"dns\.dnssec_bogus .*" + ZONE, WAIT_S)
    assert dnssec() == "good"
    assert told() == "TEMP"
    # The day is over: now there is no DANE to be had from this resolver.
    clock.jump(DAY_S)
    moat.process.wait_log(r"dns\.dnssec_broken", WAIT_S)
    assert dnssec() == "broken"
    clock.jump(HOUR_S)
    wait_until(lambda: told() is None, WAIT_S, "DANE to be off")
