# SPDX-License-Identifier: Apache-2.0
"""moat report show on reports of many senders: each is read, and what is
counted is what the JSON says, which is read here by Python on its own. The
folder of samples may lie beside the project; one report of ours always does."""

import email
import gzip
import json
from pathlib import Path

import pytest

from harness.moat import moat

FOLDER = Path(__file__).resolve().parents[3] / "shared/samples/reports"
OWN = {
    "organization-name": "Company X",
    "date-range": {"start-datetime": "2026-11-20T00:00:00Z",
                   "end-datetime": "2026-11-20T23:59:59Z"},
    "contact-info": "tls@x.example",
    "report-id": "r1",
    "policies": [{
        "policy": {"policy-type": "sts", "policy-domain": "y.example",
                   "policy-string": ["version: STSv1", "mode: enforce"],
                   "mx-host": ["*.y.example"]},
        "summary": {"total-successful-session-count": 40,
                    "total-failure-session-count": 6},
        "failure-details": [
            {"result-type": "certificate-expired",
             "failed-session-count": 4, "sending-mta-ip": "192.0.2.1",
             "receiving-mx-hostname": "a.y.example"},
            {"result-type": "certificate-expired",
             "failed-session-count": 1,
             "sending-mta-ip": "2001:0DB8::0001",
             "receiving-mx-hostname": "b.y.example"},
            {"result-type": "starttls-not-supported",
             "failed-session-count": 1, "sending-mta-ip": "2001:db8::1",
             "receiving-mx-hostname": "b.y.example"}]}]}


def mail(body):
    return ("From: tls@x.example\r\nTo: tls@y.example\r\n"
            "Content-Type: multipart/report; report-type=tlsrpt; boundary=b"
            "\r\n\r\n--b\r\n\r\nFor people.\r\n--b\r\n"
            "Content-Type: application/tlsrpt+json\r\n\r\n"
            f"{body}\r\n--b--\r\n")


@pytest.fixture
def own(tmp_path):
    """Our report as JSON, packed, and in a mail."""
    text = json.dumps(OWN)
    paths = [tmp_path / name for name in ("r.json", "r.json.gz", "r.eml")]
    paths[0].write_text(text)
    paths[1].write_bytes(gzip.compress(text.encode()))
    paths[2].write_text(mail(text))
    return paths


def json_in(data):
    """The report in bytes of any kind, without any code of ours."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    try:
        return json.loads(data)
    except ValueError:
        for part in email.message_from_bytes(data).walk():
            if "tlsrpt" in part.get_content_type():
                if not part.is_multipart():
                    return json_in(part.get_payload(decode=True))
        raise


def domain_around(path):
    """The domain a mail's header names, for policies that name none."""
    if path.suffix != ".eml":
        return None
    return email.message_from_bytes(path.read_bytes())["TLS-Report-Domain"]


def counts(report, domain=None):
    """All that is counted, in order."""
    rows = []
    for element in report["policies"]:
        policy, summary = element["policy"], element["summary"]
        rows.append((
            policy["policy-type"], policy.get("policy-domain", domain),
            summary["total-successful-session-count"],
            summary.get("total-failure-session-count", 0)))
        for failure in element.get("failure-details") or []:
            rows.append((failure["result-type"],
                         failure.get("sending-mta-ip"),
                         failure.get("receiving-mx-hostname"),
                         failure.get("receiving-ip"),
                         failure.get("failure-reason-code"),
                         failure["failed-session-count"]))
    return rows


def expected_counts(path):
    return counts(json_in(path.read_bytes()), domain_around(path))


def samples():
    return sorted(FOLDER.iterdir()) if FOLDER.is_dir() else []


def check(path):
    expected = json_in(path.read_bytes())
    done = moat("report", "show", "--json", path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert counts(said) == expected_counts(path)
    assert said["organization-name"] == expected["organization-name"]
    assert said["report-id"] == expected["report-id"]
    for by in ("result", "source", "mx", "policy"):
        done = moat("report", "show", "--by", by, path)
        assert done.returncode == 0, done.stderr
        for row in counts(expected):
            if len(row) == 4:
                assert any(line.split()[-3:] ==
                           [str(row[2]), str(row[3]), str(row[2] + row[3])]
                           for line in done.stdout.splitlines()), row


if samples():

    @pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
    def test_sample(path):
        check(path)

    def test_all_samples_at_once():
        done = moat("report", "show", "--json", *samples())
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert [counts(r) for r in said] == [
            expected_counts(path) for path in samples()]


def test_own_in_each_packaging(own):
    for path in own:
        check(path)


def table(path, by):
    """{key: sessions} of the table of failures."""
    lines = moat("report", "show", "--by", by, path).stdout.splitlines()
    rows = [line.split() for line in lines if line.startswith("    ")]
    return {row[0]: int(row[1]) for row in rows
            if len(row) > 1 and row[1].isdigit()}


def test_grouping(own):
    assert table(own[0], "result") == {
        "certificate-expired": 5, "starttls-not-supported": 1, "total": 6}
    assert table(own[1], "source") == {
        "192.0.2.1": 4, "2001:db8::1": 2, "total": 6}
    assert table(own[2], "mx") == {
        "a.y.example": 4, "b.y.example": 2, "total": 6}


def test_one_bad_file_does_not_stop_the_others(own, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"policies": [}')
    done = moat("report", "show", "--json", bad, own[0],
                tmp_path / "missing", own[1])
    assert done.returncode == 3
    assert [counts(r) for r in json.loads(done.stdout)] == [counts(OWN)] * 2
    assert (f"{bad}: line 1, column 15: expected a JSON value"
            in done.stderr)
    assert f"cannot open {tmp_path / 'missing'}" in done.stderr


def test_nothing_of_a_stranger_reaches_the_terminal(tmp_path):
    report = json.loads(json.dumps(OWN))
    report["organization-name"] = "\x1b[31mred\x07\u202e"
    report["policies"][0]["policy"]["policy-domain"] = "\x9b2Jy.example"
    path = tmp_path / "r.json"
    path.write_text(json.dumps(report))
    for words in (["--by", "policy"], ["--json"]):
        out = moat("report", "show", *words, path).stdout
        assert not [c for c in out if c != "\n" and not c.isprintable()
                    and ord(c) < 0x100]


def test_lint(own, tmp_path):
    for path in own:
        done = moat("lint", "report", path, "--json")
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["verdict"] == "valid"
    done = moat("lint", "report", "-", "--json", stdin='{"policies":[]}')
    said = json.loads(done.stdout)
    assert done.returncode == 2 and said["verdict"] == "invalid"
    assert "contact-info is missing" in [f["text"] for f in said["findings"]]
    done = moat("lint", "report", "-", "--json", stdin="<xml/>")
    said = json.loads(done.stdout)
    assert done.returncode == 2 and said["verdict"] == "invalid"
    assert "neither JSON nor gzip" in said["findings"][0]["text"]
