# SPDX-License-Identifier: Apache-2.0
"""What reports add up to, from the spool to moat report: by result, source,
MX host, policy and day, the single failure, the file it came in; erasing."""

import csv
import io
import json
import re

import pytest

from harness.moat import Moat

from test_digest import Spool

DAYS = "--from", "2026-11-01", "--to", "2026-11-30"


def report(number, org, policy, failures=(), day=20):
    return json.dumps({
        "organization-name": org,
        "date-range": {"start-datetime": f"2026-11-{day}T00:00:00Z",
                       "end-datetime": f"2026-11-{day}T23:59:59Z"},
        "contact-info": "tls@x.example", "report-id": f"r{number}",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-string": policy,
                       "policy-domain": "y.example"},
            "summary": {"total-successful-session-count": 10 * number,
                        "total-failure-session-count": len(failures)},
            "failure-details": list(failures)}]}).encode()


def failure(result, address, host="mx1.y.example", reason=""):
    return {"result-type": result, "sending-mta-ip": address,
            "receiving-mx-hostname": host, "failure-reason-code": reason,
            "failed-session-count": 1}


OLD = ["version: STSv1", "mode: enforce", "mx: old.y.example"]
NEW = ["version: STSv1", "mode: enforce", "mx: mx1.y.example"]


@pytest.fixture
def moat(stack, tmp_path):
    moat = stack.enter_context(
        Moat(tmp_path / "moat", {"server": {"roles": "digest console"}}))
    spool = Spool(moat)
    spool.put(report(1, "Big Mail", NEW))
    spool.put(report(2, "=Other+1", OLD, day=21, failures=[
        failure("starttls-not-supported", "192.0.2.7"),
        failure("validation-failure", "192.0.2.7",
                reason="MX_HOSTS_MISMATCH")]))
    spool.wait_empty()
    return moat


def rows(moat, *words):
    return moat.json("report", "by", *words, *DAYS)["rows"]


def test_each_view(moat):
    assert [(r["day"], r["successful"], r["failed"])
            for r in rows(moat, "day")] == [
        ("2026-11-21", 20, 2), ("2026-11-20", 10, 0)]
    assert {(r["result_type"], r["reason"]) for r in rows(moat, "result")} == {
        ("starttls-not-supported", ""),
        ("validation-failure", "MX_HOSTS_MISMATCH")}
    assert [r["mx_host"] for r in rows(moat, "mx")] == ["mx1.y.example"] * 2
    assert {(r["organization"], r["sending_mta"])
            for r in rows(moat, "source")} == {("=Other+1", "192.0.2.7")}
    assert {r["organization"]: r["policy"] for r in rows(moat, "policy")} == {
        "Big Mail": "\n".join(NEW), "=Other+1": "\n".join(OLD)}
    assert all(r["proven"] for r in rows(moat, "reporter"))
    assert [r["result_type"] for r in
            rows(moat, "result", "--group", "transport")] == [
        "starttls-not-supported"]
    assert not rows(moat, "day", "--domain", "z.example")
    # Nobody can tell for a domain that is not hosted here.
    assert [r["served"] for r in rows(
        moat, "policy", "--domain", "y.example")] == [None, None]
    assert moat("report", "by", "day", "--from", "2020-01-01", "--to",
                "2020-01-31").stdout.startswith(
        "nothing from 2020-01-01 to 2020-01-31; ")


def test_a_domain_without_reports_and_none(moat):
    assert moat("domain", "add", "quiet.example").returncode == 0
    for words in (["summary"], ["by", "day"]):
        none = moat("report", *words, "--domain", "quiet.example")
        assert none.returncode == 0, none.stderr
        assert none.stdout.startswith("nothing about quiet.example from 20")
        assert "Who reports" not in none.stdout
        wrong = moat("report", *words, "--domain", "Quite.example")
        assert wrong.returncode == 2 and not wrong.stdout
        assert wrong.stderr == (
            "moat: no report about quite.example, and no such domain here: "
            "moat domain list shows those there are\n")


def test_results_are_explained(moat):
    said = moat("report", "by", "result", *DAYS).stdout
    assert "The sender saw no STARTTLS" in said
    assert "an attack on the way from it is possible" in " ".join(said.split())
    assert "not in the policy it" in said
    summary = moat("report", "summary", *DAYS).stdout
    assert "Which policy senders held" in summary
    assert "version: STSv1, mode: enforce, mx: old.y.example\n" in summary
    assert "Day by day" in summary and "2026-11-20" in summary
    assert "0 reports quarantined" in summary
    assert moat.json("report", "summary", *DAYS)["reporter"]["rows"]


def test_spreadsheets_compute_nothing(moat):
    text = moat("report", "by", "source", *DAYS, "--csv").stdout
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == 2
    assert {line["organization"] for line in table} == {"'=Other+1"}


def test_down_to_the_file(moat):
    found = moat.json(
        "report", "failures", *DAYS, "--result", "validation-failure",
        "--organization", "=Other+1")["failures"]
    assert [f["reason"] for f in found] == ["MX_HOSTS_MISMATCH"]
    assert found[0]["reason_meaning"]["name"] == "MX_HOSTS_MISMATCH"
    assert found[0]["report"] in moat("report", "list").stdout
    shown = moat("report", "get", found[0]["report"]).stdout
    assert "r2" in shown and "mx: old.y.example" in shown
    file = re.search(r"^file +(\S+)$", shown, re.M)[1]
    assert file in Spool(moat).names("done")
    assert re.search(r"^proof +import$", shown, re.M)
    raw = moat("report", "get", "--raw", found[0]["report"]).stdout
    assert json.loads(raw)["report-id"] == "r2"


def test_erase(moat):
    said = moat("report", "erase", "--domain", "Y.example", "--from",
                    "2026-11-21").stdout
    assert said == "reports erased: 1, files: 1\n"
    assert [r["day"] for r in rows(moat, "day")] == ["2026-11-20"]
    assert len(Spool(moat).names("done")) == 1
    moat("report", "erase", "--all")
    assert not rows(moat, "day")
    assert not Spool(moat).names("done")


def test_keep(moat):
    said = moat("report", "keep", "--detail", "7").stdout
    assert "reports with their failures: 7 days" in said
    assert "as they came: 800 days, as moat.conf says" in said
    assert moat.json("report", "keep")["detail"] == 7 * 86400
