# SPDX-License-Identifier: Apache-2.0
"""round: one run through the scenarios. The mail goes out in three waves:
before the attack, so that every sender knows the warm domains; while it
lasts, to all domains, with moat and without; and once more when the short
max_age is over. What arrived is read from the records of those who took it."""

import time
from dataclasses import dataclass

import records
from domains import SHORT_MAX_AGE_S
from harness.process import wait_until
from scenarios import HELD, READ_CLEAR, READ_TLS, SAFE
from senders import CONTROL

WAVE_S = 150
LATE = "late"


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


def address(way, sender, wave, domain):
    return f"{way}.{sender.name}.{wave}@{domain.name}"


class Round:
    """laboratory: running, no attack on."""

    def __init__(self, laboratory, log):
        self.laboratory = laboratory
        self.log = log
        self.warmed_at = None
        self.rows = []

    def _send(self, plan):
        """plan: sender -> recipients. Waits until each had its try."""
        senders = {s.name: s for s in self.laboratory.senders}
        for name, recipients in plan.items():
            senders[name].send(recipients)
        begun = time.monotonic()

        def left():
            return sum(to not in senders[name].tries()
                       for name, recipients in plan.items()
                       for to in recipients)

        try:
            wait_until(lambda: left() == 0, WAVE_S, "all mail to be tried",
                       every_s=0.5)
        except TimeoutError:
            self.log(f"{left()} messages were not even tried")
        total = sum(map(len, plan.values()))
        self.log(f"{total} messages tried in "
                 f"{time.monotonic() - begun:.0f} s")

    def _plan(self, wave, wanted):
        """wanted(domain, way) tells which messages belong to the wave."""
        return {s.name: [address(way, s, wave, d)
                         for way in s.ways for d in self.laboratory.domains
                         if wanted(d, way)]
                for s in self.laboratory.senders}

    def _warm(self, domain, way):
        return domain.cache == "warm" and way != CONTROL

    def _attacked(self, domain, way):
        """One control message per scenario is enough."""
        if way != CONTROL:
            return True
        return domain.cache == domain.scenario.caches[0]

    def _late(self, domain, way):
        return LATE in domain.scenario.expect and way != CONTROL

    def run(self):
        """Gives the rows."""
        self.warmed_at = time.monotonic()
        self.log("before the attack")
        self._send(self._plan("before", self._warm))
        self.log("the attack begins")
        self.laboratory.attack()
        self._send(self._plan("attack", self._attacked))
        in_time = time.monotonic() - self.warmed_at < SHORT_MAX_AGE_S
        late = self._plan(LATE, self._late)
        if any(late.values()):
            self._wait_for_expiry()
            self._send(late)
        return self._judge(in_time)

    def _wait_for_expiry(self):
        left = self.warmed_at + SHORT_MAX_AGE_S + 30 - time.monotonic()
        self.log(f"waiting {max(left, 0):.0f} s for a policy to expire")
        time.sleep(max(left, 0))

    def _judge(self, in_time):
        arrivals = {}
        for name in ("mx", "attacker"):
            for r in records.read(
                    self.laboratory.folder / f"{name}.records"):
                if "to" in r:
                    arrivals.setdefault(r["to"], []).append(r)
        for sender in self.laboratory.senders:
            tries = sender.tries()
            for domain in self.laboratory.domains:
                for row in self._rows(sender, domain, tries, arrivals):
                    if LATE in domain.scenario.expect and not in_time:
                        row.observed = "not in time"
                    self.rows.append(row)
        return self.rows

    def _rows(self, sender, domain, tries, arrivals):
        scenario = domain.scenario

        def row(way, wave, cache, expected):
            to = address(way, sender, wave, domain)
            before = address(way, sender, "before", domain)
            observed = outcome(arrivals.get(to, []), tries.get(to, []))
            if self._warm(domain, way):
                warmed = outcome(arrivals.get(before, []),
                                 tries.get(before, []))
                if warmed != scenario.before:
                    observed = f"{observed} (before: {warmed})"
            return Row(scenario.name, scenario.about, cache, sender.name, way,
                       expected.what, expected.why, observed,
                       tries.get(to, [("", "never tried")])[-1][1] or "")

        for way in sender.ways:
            if not self._attacked(domain, way):
                continue
            cache = CONTROL if way == CONTROL else domain.cache
            yield row(way, "attack", cache,
                      scenario.expected(sender.name, cache))
            if self._late(domain, way):
                yield row(way, LATE, LATE,
                          scenario.expected(sender.name, LATE))


def outcome(arrived, tries):
    """What became of a message, told by those who took it, and by the
    sender's log only where nobody did."""
    stolen = [r for r in arrived if r["who"] == "attacker"]
    if any(r["tls"] is None for r in arrived):
        return READ_CLEAR
    if stolen:
        return READ_TLS
    if arrived:
        return SAFE
    status = tries[-1][0] if tries else "not tried"
    return HELD if status == "deferred" else status
