# SPDX-License-Identifier: Apache-2.0
"""Published test vectors for policies, records and matching, where a folder
with them lies beside the project (see conftest.py)."""

import json
from pathlib import Path

import pytest

from harness.moat import moat

FOLDER = Path(__file__).resolve().parents[3] / "shared/samples/vectors"

CODES = {"valid": (0, 1), "invalid": (2,), "none": (2,)}

# Vectors we hold to be wrong, with what we say instead. The RFC text that
# decides stands in docs/decisions/0002-vectors.md.
DISSENT = {
    ("azazaza;asdasdasdasd",): "none",
    ("",): "none",
    ("v=TLSRPTv1\\; rua=mailto:postmaster@mxdove.com.",): "invalid",
}


def rows(name):
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line]


def texts(row):
    """Each TXT record as one string: several strings are joined."""
    return tuple(t if isinstance(t, str) else "".join(t) for t in row["txt"])


def verdict(*words, stdin=None):
    """What lint says; exit code and JSON must agree."""
    done = moat("--json", "lint", *words, stdin=stdin)
    said = json.loads(done.stdout)
    assert done.returncode in CODES[said["verdict"]], done.stdout
    return said


def body(row):
    if row.get("generator") == "overlength":
        return ("version: STSv1\nmode: enforce\nmx: mail.moat.test\n"
                "max_age: 86400\n" + "a" * 131136)
    return row["input"]


def policy_words(row):
    served = row.get("http", {})
    words = ["policy", "-"]
    if "status" in served:
        words += ["--http-status", served["status"]]
    if "content_type" in served:
        words += ["--content-type", served["content_type"]]
    return words


@pytest.mark.parametrize("row", rows("mta-sts-policy.jsonl"),
                         ids=lambda row: row["note"][:40])
def test_policy(row):
    said = verdict(*policy_words(row), stdin=body(row))
    assert said["verdict"] == row["rfc8461_strict"], said
    if "mode" in row:
        assert said["policy"]["mode"] == row["mode"]


@pytest.mark.parametrize(
    "kind,row",
    [("sts-record", row) for row in rows("mta-sts-txt.jsonl")] +
    [("tlsrpt-record", row) for row in rows("tlsrpt-txt.jsonl")])
def test_record(kind, row):
    said = verdict(kind, "--", *texts(row))
    assert said["verdict"] == DISSENT.get(texts(row), row["expect"]), said
    if row.get("rua") and row["expect"] == said["verdict"]:
        assert said["rua"] == row["rua"]


@pytest.mark.parametrize("row", rows("mx-match.jsonl"),
                         ids=lambda row: row["mx"])
def test_match(row):
    done = moat("match", "--json", row["mx"], *row["patterns"])
    assert done.returncode == (0 if row["match"] else 1)
    assert json.loads(done.stdout)["match"] == row["match"]
