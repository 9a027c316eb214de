# SPDX-License-Identifier: Apache-2.0
"""table: the rows of a run for people: one line per scenario and state of the
cache, one column per sender and way, the control runs beside them."""

from senders import CONTROL


def _cell(row):
    if row is None:
        return "-"
    text = row.observed + (f" ({row.why})" if row.why else "")
    if not row.good:
        text = f"{row.observed} NOT {row.expected}"
    return text


def columns(rows):
    """(sender, way) in order of appearance, those without moat last."""
    seen = dict.fromkeys((r.sender, r.way) for r in rows)
    return sorted(seen, key=lambda c: c[1] == CONTROL)


def lines(rows):
    """The table as aligned lines."""
    heads = columns(rows)
    cells = {(r.scenario, r.cache, r.sender, r.way): r for r in rows}
    keys = dict.fromkeys((r.scenario, r.cache) for r in rows
                         if r.way != CONTROL)
    table = [["scenario", "cache",
              *(f"{s} {w}" for s, w in heads)]]
    told = set()
    for scenario, cache in keys:
        line = [scenario, cache]
        for sender, way in heads:
            where = CONTROL if way == CONTROL else cache
            first = way != CONTROL or scenario not in told
            line.append(_cell(cells.get((scenario, where, sender, way)))
                        if first else "")
        told.add(scenario)
        table.append(line)
    widths = [max(map(len, column)) for column in zip(*table)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths))
            .rstrip() for line in table]


def verdict(rows):
    bad = sum(not row.good for row in rows)
    return f"{len(rows) - bad} as expected, {bad} not"
