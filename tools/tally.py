# SPDX-License-Identifier: Apache-2.0
"""tally: how many tests passed, failed and were skipped, from the result
files that meson and pytest leave."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

MESON_GOOD = {"OK", "EXPECTEDFAIL"}
MESON_SKIPPED = {"SKIP", "IGNORED"}


@dataclass
class Tally:
    """Counts, and for each test that failed its name and what it said."""

    passed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)

    @property
    def failed(self):
        return len(self.failures)

    def fail(self, name, said):
        self.failures.append((name, said))

    def skip(self, name, why):
        self.skipped += 1
        self.skips.append((name, why))

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skips += other.skips

    def skips_fail(self):
        """Counts every skipped test as a failed one."""
        for name, why in self.skips:
            self.fail(name, f"skipped: {why}")
        self.skipped = 0
        self.skips = []

    def line(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def from_meson(path, prefix):
    """Reads meson-logs/testlog.json: one JSON object per line and test."""
    tally = Tally()
    with open(path, encoding="utf-8") as lines:
        for test in map(json.loads, lines):
            name = prefix + test["name"].split(" / ")[-1]
            said = test.get("stdout", "") + test.get("stderr", "")
            if test["result"] in MESON_GOOD:
                tally.passed += 1
            elif test["result"] in MESON_SKIPPED:
                tally.skip(name, said.strip() or "no reason given")
            else:
                tally.fail(name, f"{test['result']}\n{said}")
    return tally


def from_junit(path):
    """Reads the junit XML of one pytest run."""
    tally = Tally()
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        bad = case.find("failure")
        if bad is None:
            bad = case.find("error")
        skip = case.find("skipped")
        if bad is not None:
            # Only the end is shown, so what went wrong comes last.
            tally.fail(name, f"{bad.text or ''}\n{bad.get('message', '')}")
        elif skip is not None:
            tally.skip(name, skip.get("message", ""))
        else:
            tally.passed += 1
    return tally
