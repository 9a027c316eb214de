# SPDX-License-Identifier: Apache-2.0
"""Names of sending servers: what a real reverse zone says, and whether the
forward zone says the same."""

import json
import time

from harness.knot import Knot
from harness.moat import Moat
from harness.process import wait_until
from harness.unbound import Unbound

from test_digest import Spool

WAIT_S = 60
REVERSE, REVERSE_6, FORWARD = (
    "1.200.100.in-addr.arpa", "0.0.a.2.ip6.arpa", "sender.example")
SIX = "2a00::5"
ZONES = {
    REVERSE: "7 PTR mail-7.sender.example.\n"
             "8 PTR mail-7.sender.example.\n"
             "9 PTR nothing.sender.example.\n"
             "9 PTR mail-9.sender.example.\n"
             "10 PTR a\\032b.sender.example.\n",
    REVERSE_6: ".".join(["5"] + ["0"] * 27)
               + " PTR mail-6.sender.example.\n",
    FORWARD: "mail-7 A 100.200.1.7\n"
             "mail-9 A 100.200.1.1\nmail-9 A 100.200.1.9\n"
             "mail-6 AAAA 2a00::5\n",
}
ADDRESSES = [f"100.200.1.{n}" for n in (7, 8, 9, 10, 11)] + [SIX]


def report(addresses):
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return json.dumps({
        "organization-name": "Sender Inc.",
        "date-range": {"start-datetime": f"{day}T00:00:00Z",
                       "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": "tls@sender.example", "report-id": "r1",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": "y.example"},
            "summary": {"total-successful-session-count": 1,
                        "total-failure-session-count": len(addresses)},
            "failure-details": [
                {"result-type": "starttls-not-supported",
                 "sending-mta-ip": address, "failed-session-count": 1}
                for address in addresses]}]}).encode()


def names(moat):
    return {row["sending_mta"]: (row["sending_name"],
                                 row["sending_name_confirmed"])
            for row in moat.json("report", "by", "source")["rows"]}


def moat_of(stack, folder, answers):
    knot = stack.enter_context(Knot(folder / "knot", ZONES))
    unbound = stack.enter_context(Unbound(
        folder / "unbound", {zone: knot.port for zone in ZONES}))
    moat = stack.enter_context(Moat(
        folder / "moat", resolver_port=unbound.port, settings={
            "server": {"roles": "console digest notify probe"},
            "report": {"reverse_names": answers}}))
    spool = Spool(moat)
    spool.put(report(ADDRESSES))
    spool.wait_empty()
    return moat


def test_names_are_looked_up_and_confirmed(stack, tmp_path):
    moat = moat_of(stack, tmp_path, "yes")
    known = {"100.200.1.7": ("mail-7.sender.example", True),
             "100.200.1.8": ("mail-7.sender.example", False),
             "100.200.1.9": ("mail-9.sender.example", True),
             "100.200.1.10": (None, None), "100.200.1.11": (None, None),
             SIX: ("mail-6.sender.example", True)}
    wait_until(lambda: names(moat) == known, WAIT_S, "the names")
    table = moat("report", "by", "source").stdout
    [line] = [line for line in table.splitlines() if "100.200.1.8 " in line]
    assert line.split()[3:5] == ["mail-7.sender.example", "no"]


def test_nothing_is_looked_up_unless_asked_for(stack, tmp_path):
    moat = moat_of(stack, tmp_path, "no")
    moat.kill_role("notify")
    moat.process.wait_log(r"role\.up name=notify", WAIT_S, 2)
    assert set(names(moat).values()) == {(None, None)}
