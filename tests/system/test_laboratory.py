# SPDX-License-Identifier: Apache-2.0
"""The laboratory (lab/): every attack on every mail server comes out as
expected, and succeeds where moat is not asked."""

import json
import os
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[2] / "lab" / "run"
LIMIT_S = 900       # the first run fetches two Debian releases


@pytest.fixture(scope="module")
def rows():
    done = subprocess.run([RUN, "--json"], capture_output=True, text=True,
                          timeout=LIMIT_S, check=False, env=os.environ)
    assert done.stdout, done.stderr[-4000:]
    return json.loads(done.stdout)


def told(row):
    return (f"{row['scenario']} {row['cache']}, {row['sender']} {row['way']}: "
            f"{row['observed']}, not {row['expected']}: {row['said'][-300:]}")


def test_attacks_fail(rows):
    bad = [told(row) for row in rows if not row["good"]]
    assert not bad, "\n".join(bad)


def test_attacks_succeed_without_moat(rows):
    """Else the test above could not fail."""
    alone = {(row["scenario"], row["sender"]): row["observed"]
             for row in rows if row["way"] == "control"}
    for row in rows:
        if (row["expected"] == "held" and not row["why"]
                and row["cache"] != "control"):
            there = alone[row["scenario"], row["sender"]]
            assert there.startswith("read") or row["scenario"] == "tls10"
