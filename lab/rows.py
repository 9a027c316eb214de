# SPDX-License-Identifier: Apache-2.0
"""rows: what became of each message, as the lines of the table. Those who
took mail are asked first; the sender's log counts only where nobody did."""

from dataclasses import dataclass

import records
from scenarios import HELD, NOTHING, READ_CLEAR, READ_TLS, SAFE


@dataclass
class Row:
    """One message, and what became of it."""

    scenario: str
    about: str
    cache: str
    sender: str
    way: str
    expected: str
    why: str
    observed: str
    said: str

    @property
    def good(self):
        return self.observed == self.expected


class Evidence:
    """folder: of the run, when all mail has been tried."""

    def __init__(self, folder, senders):
        self.arrived = {}
        for name in ("mx", "attacker"):
            for r in records.read(folder / f"{name}.records"):
                if "to" in r:
                    self.arrived.setdefault(r["to"], []).append(r)
        self.results = {}
        for r in records.read(folder / "tlsrpt.records"):
            self.results.setdefault(r["domain"], set()).add(r["result"])
        self.tries = {}
        for sender in senders:
            self.tries |= sender.tries()

    def outcome(self, to):
        """One of the words of scenarios, or what the sender calls it."""
        arrived = self.arrived.get(to, [])
        if any(r["tls"] is None for r in arrived):
            return READ_CLEAR
        if any(r["who"] == "attacker" for r in arrived):
            return READ_TLS
        if arrived:
            return SAFE
        tries = self.tries.get(to)
        if not tries:
            return "not tried"
        status = tries[-1][0]
        return HELD if status == "deferred" else status

    def said(self, to):
        """The sender's own words about the last try."""
        tries = self.tries.get(to)
        return (tries[-1][1] if tries else None) or ""

    def reported(self, domain):
        """What the domain will be told."""
        return ", ".join(sorted(self.results.get(domain.name, {NOTHING})))
