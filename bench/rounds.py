# SPDX-License-Identifier: Apache-2.0
"""rounds: interleaved rounds, medians and verdicts for the benches. Each
candidate gives {"rate": per second of the server's CPU time, "wall": per
second of the clock}."""

import statistics
import sys


def mean(results):
    """Of slices of the same length."""
    return {key: statistics.mean(r[key] for r in results)
            for key in ("rate", "wall")}


def interleave(rounds, candidates, slices=1):
    """Runs all candidates once per round, so that what the machine does to one
    it does to its neighbours. {name: [result of each round]}. With slices, all
    take turns so often within a round, and of each only the mean rates are
    kept: what disturbs the machine for some seconds then disturbs all alike."""
    rows = {name: [] for name in candidates}
    for i in range(rounds):
        turns = [{name: run() for name, run in candidates.items()}
                 for _ in range(slices)]
        for name in candidates:
            results = [turn[name] for turn in turns]
            rows[name].append(mean(results) if slices > 1 else results[0])
            print(f"round {i + 1}/{rounds} {name}: "
                  f"{rows[name][-1]['rate']:.0f}", file=sys.stderr)
    return rows


def quartiles(values):
    """Low quartile, median, high quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def print_rows(rows):
    print(f"{'':44} {'per CPU second':>24} {'per second':>11}")
    for name, results in rows.items():
        low, mid, high = quartiles([r["rate"] for r in results])
        wall = statistics.median(r["wall"] for r in results)
        print(f"{name:44} {mid:9.0f} ({low:.0f}-{high:.0f}) {wall:11.0f}")


class Verdict:
    """Do values, one of each round, reach the target? pass: three quarters of
    them do; fail: three quarters do not; else undecided."""

    def __init__(self, what, values, target):
        self.what = what
        self.target = target
        self.low, self.mid, self.high = quartiles(values)

    @property
    def verdict(self):
        if self.low >= self.target:
            return "pass"
        return "fail" if self.high < self.target else "undecided"


class Compare(Verdict):
    """Is one at least target times the other? Ratios are taken within a
    round."""

    def __init__(self, rows, one, other, target):
        super().__init__(
            f"{one} / {other}",
            [a["rate"] / b["rate"] for a, b in zip(rows[one], rows[other])
             if b["rate"] > 0], target)


class Reach(Verdict):
    """Does it do at least so many per second of processor time?"""

    def __init__(self, rows, one, target):
        super().__init__(f"{one}, of {target} per CPU second",
                         [r["rate"] / target for r in rows[one]], 1)


def show(verdicts):
    """Prints all; the number that failed."""
    for v in verdicts:
        print(f"{v.verdict:9} {v.mid:5.2f} ({v.low:.2f}-{v.high:.2f}), target "
              f"{v.target:.2f}: {v.what}")
    return sum(v.verdict == "fail" for v in verdicts)
