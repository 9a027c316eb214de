#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs docs/examples/moat-example.c, and looks at what libmoat exports.
usage: test_example.py EXAMPLE LIBRARY"""

import subprocess
import sys
import tempfile
from pathlib import Path

POLICY = "version: STSv1\nmode: enforce\nmx: *.moat.test\nmax_age: 86400\n"
REPORT = """{"organization-name": "Org", "report-id": "1", "policies": [
{"policy": {"policy-type": "sts", "policy-domain": "moat.test"},
"summary": {"total-successful-session-count": 3,
"total-failure-session-count": 1}, "failure-details": [
{"result-type": "certificate-expired", "failed-session-count": 1}]}]}"""


def run(example, text, *words):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([example, file.name, *words], text=True,
                              capture_output=True, check=False)
    return done.returncode, done.stdout


def exported(library):
    """Names of the symbols the library defines for others."""
    lines = subprocess.run(["nm", "-D", "--defined-only", library], text=True,
                           capture_output=True, check=True).stdout.split("\n")
    return {line.split()[2].split("@")[0] for line in lines if line}


def main(example, library):
    assert run(example, POLICY, "mx.moat.test") == (
        0, "mx.moat.test: deliver\n")
    assert run(example, POLICY, "mx.other.test") == (
        1, "mx.other.test: do not deliver\n")
    assert run(example, "mode: enforce\n", "mx.moat.test")[0] == 2
    assert run(example, REPORT) == (
        0, "moat.test: 3 good, 1 failed\n  certificate-expired: 1\n")
    strange = {name for name in exported(library)
               if not name.startswith(("moat_", "MOAT_", "__asan", "__ubsan",
                                       "__odr_asan"))}
    assert not strange, f"exported besides moat_*: {strange}"
    header = Path(__file__).parents[2] / "include/moat.h"
    for name in exported(library):
        if name.startswith("moat_"):
            assert f"{name}(" in header.read_text(), f"{name}: not in moat.h"


if __name__ == "__main__":
    main(*sys.argv[1:])
