#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/reports.md explains what moat explains, in the same words.
usage: test_reports_paper.py MOAT PAPER"""

import json
import subprocess
import sys
from pathlib import Path

COLUMNS = "what", "side", "todo", "checks"


def of_program(moat):
    return {f"| `{m['name']}` | " + " | ".join(m[c] for c in COLUMNS) + " |"
            for m in json.loads(subprocess.run(
                [moat, "report", "explain", "--json"], check=True,
                capture_output=True).stdout)}


def of_paper(text):
    tables = text.partition("## Result types")[2]
    return {line for line in tables.splitlines() if line.startswith("| `")}


def differences(program, paper):
    yield from (f"not in the paper: {row}" for row in program - paper)
    yield from (f"only in the paper: {row}" for row in paper - program)


def main(moat, paper):
    wanted = of_program(moat)
    assert len(wanted) > 12
    # The test itself: it must see what is missing on either side.
    assert list(differences(wanted, set())) and list(differences(set(), {"x"}))
    found = sorted(differences(wanted, of_paper(Path(paper).read_text())))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
