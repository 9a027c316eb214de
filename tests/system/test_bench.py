# SPDX-License-Identifier: Apache-2.0
"""Every bench runs to its end and says what it found; nothing here looks at
how fast anything was."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.moat import build_folder

ROOT = Path(__file__).resolve().parents[2]
VERDICT = r"\b(pass|fail|undecided)\b"
# bench: the options of its shortest run, its rows, how many verdicts
BENCHES = {
    "dns": (["--rounds", "2", "--seconds", "1", "--names", "50"],
            ["moat", "knot", "moat / knot"], 1),
    "edge": (["--rounds", "1", "--slices", "2", "--names", "20"],
             ["bare loop, 1", "nginx static, 1", "nginx by variable, 20",
              "edge, 1", "edge, 20, cache holds all", "edge, keep-alive"], 8),
    "intake": (["--rounds", "1", "--mails", "20", "--ms", "20"],
               ["moat, unpack, 2 KB", "moat, DKIM and store, 2 KB",
                "python, store, 2 KB", "moat, DKIM and store, 2 MB",
                "python, store, 2 MB"], 7),
    "policy": (["--rounds", "1", "--names", "50", "--strangers", "50"],
               ["echo, 1 x 1", "moat, 1 x 1", "moat, 100 x 16",
                "peer, 100 x 1", "peer, SQLite, 100 x 1", "moat, all 50, 1 x 1",
                "moat, unix socket, 100 x 1", "moat, flood, 100 x 1"], 6),
    "policy_cold": (["--rounds", "1", "--slices", "2", "--names", "20"],
                    ["floor", "moat, 1 at a time", "moat, 50 at a time",
                     "role policy, 50 connections"], 3),
    "report": (["--rounds", "1", "--ms", "50"],
               ["moat json", "python json", "moat gz"], 2),
}


def run(name, *options, **env):
    return subprocess.run(
        [ROOT / "bench" / name, *options], cwd=ROOT, capture_output=True,
        text=True, timeout=600, check=False, env={**os.environ, **env})


def test_all_are_here():
    found = {p.name for p in (ROOT / "bench").iterdir()
             if p.is_file() and "." not in p.name}
    assert found == set(BENCHES)


@pytest.mark.parametrize("name", BENCHES)
def test_it_ends_with_a_verdict(name):
    options, rows, verdicts = BENCHES[name]
    done = run(name, *options, MOAT_BUILD=str(build_folder()))
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    for row in rows:
        assert re.search(rf"^{re.escape(row)} +.*\d", done.stdout, re.M), row
    assert len(re.findall(VERDICT, done.stdout)) == verdicts, done.stdout


@pytest.mark.parametrize("name", BENCHES)
def test_it_says_what_it_needs(name, tmp_path):
    done = run(name, MOAT_BUILD=str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"MOAT_BUILD=FOLDER {ROOT / 'bench' / name}" in done.stderr
