# SPDX-License-Identifier: Apache-2.0
"""./start --check walks the whole main job, twice on the same data: the second
start goes on where the first ended."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_S = 600


def run(folder):
    return subprocess.run([ROOT / "start", "--check", "--folder", folder],
                          capture_output=True, text=True, timeout=START_S,
                          env=os.environ, check=False)


def start(folder):
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_start_and_start_again(tmp_path):
    first = start(tmp_path / "trial")
    assert "customer.example is hosted" in first
    assert "is there from the last start" not in first
    second = start(tmp_path / "trial")
    assert "is there from the last start" in second
    assert "the customer's zone has them already" in second


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    done = run(tmp_path / "file" / "trial")
    assert done.returncode == 1
    assert "Not a directory" in done.stderr and "/file/trial" in done.stderr
    assert "Traceback" not in done.stderr and "logs" not in done.stderr
