# SPDX-License-Identifier: Apache-2.0
"""round: one run through the scenarios. The mail goes out in three waves:
before the attack, so that every sender knows the warm domains; while it
lasts, to all domains, with moat and without; and once more when the short
max_age is over."""

import time

from domains import SHORT_MAX_AGE_S
from harness.process import wait_until
from rows import Evidence, Row
from scenarios import SAFE
from senders import CONTROL, REPORTING, VISIBLE

WAVE_S = 150
BEFORE, ATTACK, LATE = "before", "attack", "late"


def address(way, sender, wave, domain):
    """The recipient, which tells who sends in what way and when."""
    return f"{way}.{sender.name}.{wave}@{domain.name}"


def messages(domains, recipients):
    """message -> those of the recipients who get it."""
    headers = {d.name: d.scenario.header for d in domains}
    made = {}
    for to in recipients:
        header = headers[to.rpartition("@")[2]]
        lines = ["Subject: laboratory", *([header] if header else []), "",
                 "secret", ""]
        made.setdefault("\n".join(lines), []).append(to)
    return made


def is_warmed(domain, way):
    return domain.cache == "warm" and way != CONTROL


def is_attacked(domain, way):
    """One control message per scenario is enough."""
    return way != CONTROL or domain.cache == domain.scenario.caches[0]


def is_late(domain, way):
    return LATE in domain.scenario.expect and way != CONTROL


class Round:
    """laboratory: running, no attack on."""

    def __init__(self, laboratory, log):
        self.laboratory = laboratory
        self.senders = laboratory.senders
        self.log = log

    def _plan(self, wave, wanted):
        """sender -> recipients; wanted(domain, way) chooses them."""
        return {s: [address(way, s, wave, d)
                    for way in s.ways for d in self.laboratory.domains
                    if d.scenario.is_played_by(s.name) and wanted(d, way)]
                for s in self.senders}

    def _send(self, wave, wanted):
        """Sends a wave, and waits until each message had its try."""
        plan = self._plan(wave, wanted)
        if not any(plan.values()):
            return
        began = time.monotonic()
        for sender, recipients in plan.items():
            for message, to in messages(self.laboratory.domains,
                                        recipients).items():
                sender.send(to, message)

        def left():
            return {to for sender, recipients in plan.items()
                    for to in set(recipients) - set(sender.tries())}

        try:
            wait_until(lambda: not left(), WAVE_S, "mail", every_s=0.5)
        except TimeoutError:
            self.log(f"not even tried: {' '.join(sorted(left()))}")
        self.log(f"{sum(map(len, plan.values()))} messages tried in "
                 f"{time.monotonic() - began:.0f} s")

    def run(self):
        """Gives the rows. Policies that expire are fetched before the attack
        begins, and never after."""
        began = time.monotonic()
        self.log("before the attack")
        self._send(BEFORE, is_warmed)
        attacked = time.monotonic()
        self.log("the attack begins")
        self.laboratory.attack()
        self._send(ATTACK, is_late)
        in_time = time.monotonic() - began < SHORT_MAX_AGE_S
        self._send(ATTACK, lambda d, way: is_attacked(d, way)
                   and not is_late(d, way))
        if any(is_late(d, way) for s in self.senders for way in s.ways
               for d in self.laboratory.domains):
            self._wait_for_expiry(attacked)
            self._send(LATE, is_late)
        return self._rows(in_time)

    def _wait_for_expiry(self, attacked):
        left = max(0, attacked + SHORT_MAX_AGE_S + 2 - time.monotonic())
        self.log(f"waiting {left:.0f} s for a policy to expire")
        time.sleep(left)

    def _rows(self, in_time):
        evidence = Evidence(self.laboratory.folder, self.senders)
        made = []
        for domain in self.laboratory.domains:
            for sender in self.senders:
                if not domain.scenario.is_played_by(sender.name):
                    continue
                for way in sender.ways:
                    made += self._of(evidence, domain, sender, way, in_time)
            made += self._report(evidence, domain)
        return made

    @staticmethod
    def _report(evidence, domain):
        """The row that says what the domain will be told, if it is one."""
        scenario = domain.scenario
        if scenario.report is not None and domain.cache == "cold":
            yield Row(scenario.name, scenario.about, "cold", REPORTING,
                      f"{VISIBLE} report", scenario.report, "",
                      evidence.reported(domain), "")

    @staticmethod
    def _of(evidence, domain, sender, way, in_time):
        """The rows of a domain in one way: none, one, or two."""
        scenario = domain.scenario

        def row(wave, cache):
            to = address(way, sender, wave, domain)
            expected = scenario.expected(sender.name, way, cache)
            return Row(scenario.name, scenario.about, cache, sender.name, way,
                       expected.what, expected.why, evidence.outcome(to),
                       evidence.said(to))

        if is_attacked(domain, way):
            made = row(ATTACK, CONTROL if way == CONTROL else domain.cache)
            if is_warmed(domain, way):
                before = evidence.outcome(address(way, sender, BEFORE, domain))
                if before != SAFE:
                    made.observed += f" (before: {before})"
            if is_late(domain, way) and not in_time:
                made.observed = "not in time"
            yield made
        if is_late(domain, way):
            yield row(LATE, LATE)
