# SPDX-License-Identifier: Apache-2.0
"""The role digest in its sandbox: what lies in spool/new becomes rows, once,
whenever it is killed; what cannot be read is set aside with its reason."""

import gzip
import json
import os
import random
import signal
import sqlite3
import time

import pytest

from harness.dkim import Signer
from harness.moat import Moat
from harness.process import wait_until

HEAD = ("moat-spool 1\nsource: {source}\nreceived: {received}\nid: {id}\n"
        "remote: 192.0.2.1\ncontent-type: \n\n")
WAIT_S = 30
LABEL = "abcdefghijklmnop"


def report(number):
    return json.dumps({
        "organization-name": "Company X",
        "date-range": {"start-datetime": "2026-11-20T00:00:00Z",
                       "end-datetime": "2026-11-20T23:59:59Z"},
        "contact-info": "tls@x.example", "report-id": f"r{number}",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": "y.example"},
            "summary": {"total-successful-session-count": number,
                        "total-failure-session-count": 1},
            "failure-details": [{"result-type": "certificate-expired",
                                 "failed-session-count": 1}]}]}).encode()


def mail(body):
    return (b"From: =?iso-8859-1?q?J=F6rg?= <tls@x.example>\r\n"
            b"Content-Type: multipart/report; report-type=tlsrpt; "
            b"boundary=b\r\n\r\n--b\r\nContent-Type: "
            b"application/tlsrpt+json\r\n\r\n" + body + b"\r\n--b--\r\n")


class Spool:
    """Files of the spool, as edge and the API write them."""

    def __init__(self, moat):
        self.folder = moat.state / "spool"
        self.written = 0

    def put(self, body, source="import", recipient=""):
        self.written += 1
        now = int(time.time())
        name = f"{now:012x}-{self.written:016x}.{source}"
        path = self.folder / "tmp" / name
        path.write_bytes(
            HEAD.format(source=source, id=recipient,
                        received=now).encode() + body)
        path.chmod(0o644)
        path.rename(self.folder / "new" / name)
        return name

    def names(self, folder):
        return sorted(os.listdir(self.folder / folder))

    def wait_empty(self):
        wait_until(lambda: not self.names("new"), WAIT_S,
                   "spool/new to be read")


def rows(moat, sql):
    with sqlite3.connect(f"file:{moat.state}/moat.db?mode=ro",
                         uri=True) as db:
        return db.execute(sql).fetchall()


@pytest.fixture
def digest(stack, tmp_path):
    return stack.enter_context(
        Moat(tmp_path / "moat", {"server": {"roles": "digest"}}))


def test_each_kind_becomes_rows(digest):
    spool = Spool(digest)
    spool.put(report(1))
    spool.put(gzip.compress(report(2)))
    spool.put(mail(report(3)))
    spool.wait_empty()
    assert rows(digest, "SELECT report_id, domain, via, proof FROM report "
                        "ORDER BY report_id") == [
        (f"r{i}", "y.example", "import", "import") for i in (1, 2, 3)]
    assert rows(digest, "SELECT ok, failed FROM report ORDER BY ok"
                ) == [(1, 1), (2, 1), (3, 1)]
    assert len(spool.names("done")) == 3


def test_unreadable_is_set_aside(digest):
    spool = Spool(digest)
    bad = spool.put(b'{"policies": [}')
    bomb = spool.put(gzip.compress(b" " * (40 << 20)))
    lost = spool.put(report(1), "post", "nobody")
    (spool.folder / "new" / "junk").write_text("junk")
    spool.wait_empty()
    assert spool.names("bad") == sorted([bad, bomb, lost, "junk"])
    reasons = dict(rows(digest, "SELECT name, reason FROM bad_report"))
    assert reasons[bad] == "line 1, column 15: expected a JSON value"
    assert "unpacks to more than" in reasons[bomb]
    assert reasons[lost] == "no domain has this ID"
    assert reasons["junk"] == "not a spool file"
    assert not rows(digest, "SELECT 1 FROM report")


def test_killed_at_any_instant(digest, full):
    """kill -9 of the role and of its child: nothing lost, nothing twice."""
    spool = Spool(digest)
    rounds = 200 if full else 12
    number = 0
    for _ in range(rounds):
        for _ in range(5):
            number += 1
            spool.put(report(number))
        time.sleep(random.uniform(0, 0.3))
        for pid in digest.role_pids("digest"):
            os.kill(pid, signal.SIGKILL)
    spool.wait_empty()
    assert rows(digest, "SELECT count(*), count(DISTINCT report_id) "
                        "FROM report") == [(number, number)]
    assert rows(digest, "SELECT sum(ok) FROM report") == [
        (number * (number + 1) // 2,)]
    assert not spool.names("bad")
    assert len(spool.names("done")) == number


def test_import_and_list(stack, tmp_path):
    moat = stack.enter_context(
        Moat(tmp_path / "moat", {"server": {"roles": "digest console"}}))
    good, packed, bad = (tmp_path / name for name in "abc")
    good.write_bytes(report(1))
    packed.write_bytes(gzip.compress(report(2)))
    bad.write_bytes(b"<xml/>")
    done = moat("report", "import", good, bad, packed)
    assert done.returncode == 3
    assert done.stdout.count(": 1 report handed in as ") == 2
    assert f"{bad}: this is neither JSON" in done.stderr
    done = moat("report", "import", "--json", bad, good, packed)
    assert done.returncode == 3 and "neither JSON" in done.stderr
    assert [list(answer) for answer in json.loads(done.stdout)] == [
        ["name"], ["name"]]
    assert list(moat.json("report", "import", good)) == ["name"]
    assert json.loads(moat("report", "import", "--json", bad, bad).stdout) == []
    Spool(moat).wait_empty()
    listed = moat.json("report", "list", "--domain", "Y.example")["reports"]
    assert sorted((r["report_id"], r["via"], r["proof"],
                   r["policies"][0]["successful"]) for r in listed) == [
        ("r1", "import", "import", 1), ("r2", "import", "import", 2)]
    assert "2026-11-20  y.example  Company X  sts" in moat(
        "report", "list").stdout
    assert moat.json("report", "list", "--domain", "z.example") == {
        "reports": []}
    unread = Spool(moat).put(report(3), "post", "nobody")
    Spool(moat).wait_empty()
    said = moat("report", "unreadable").stdout
    assert unread in said and "no domain has this ID" in said


def test_import_of_mail_boxes(stack, tmp_path):
    """mbox, Maildir, folders; a signature proves what its key, kept by hand,
    still opens."""
    signer = Signer("x.example")
    keys = tmp_path / "keys"
    keys.write_text("# kept\n\nsel._domainkey.x.example\t" + signer.text)
    moat = stack.enter_context(Moat(tmp_path / "moat", {
        "server": {"roles": "digest console"},
        "report": {"dkim_keys": keys}}))
    signed = signer.sign(
        [("From", "tls@x.example"),
         ("Content-Type", "multipart/mixed; boundary=b")],
        b"--b\r\n\r\nFrom us\r\n>From them\r\n--b\r\n"
        b"Content-Type: application/tlsrpt+json\r\n\r\n"
        + report(1) + b"\r\n--b--\r\n").replace(b"\r\n", b"\n")
    mark = b"From a@b Sat Nov 21 00:00:00 2026\n"
    box = tmp_path / "box"
    box.write_bytes(b"\n".join(
        mark + text.replace(b"\n>From", b"\n>>From").replace(
            b"\nFrom ", b"\n>From ").replace(b"\n>From:", b"\nFrom:")
        for text in (signed, b"Subject: no report\n\nx\n", mail(report(2)))))
    folder = tmp_path / "folder"
    for sub in "cur", "new", "tmp", "deep/er":
        (folder / sub).mkdir(parents=True)
    (folder / "cur" / "1:2,S").write_bytes(mail(report(3)))
    (folder / "new" / "2").write_bytes(mail(report(4)))
    (folder / "tmp" / "3").write_bytes(mail(report(5)))
    (folder / "deep" / "er" / "r.json.gz").write_bytes(
        gzip.compress(report(6)))
    (folder / "link").symlink_to(box)
    done = moat("report", "import", box, folder)
    assert done.returncode == 3
    assert done.stdout.count(": 1 report handed in as ") == 5
    assert f"{box}: message 3: 1 report handed in as " in done.stdout
    assert f"{box}: message 2: the mail has no part" in done.stderr
    Spool(moat).wait_empty()
    assert rows(moat, "SELECT report_id, proof, dkim FROM report "
                      "ORDER BY report_id") == [
        ("r1", "dkim:x.example", "pass"), ("r2", "import", "none"),
        ("r3", "import", "none"), ("r4", "import", "none"),
        ("r6", "import", "")]
    assert len(moat.json("report", "import", folder)) == 3


def test_replay(stack, tmp_path):
    """What could not be read, or was read, goes through the reader again."""
    moat = stack.enter_context(
        Moat(tmp_path / "moat", {"server": {"roles": "digest console"}}))
    spool = Spool(moat)
    bad = spool.put(report(1), "post", LABEL)
    spool.wait_empty()
    assert bad in spool.names("bad")
    with sqlite3.connect(moat.state / "moat.db") as db:
        columns = [row[1:4] for row in db.execute(
            "PRAGMA table_info(domain)")]
        values = {"tenant": "default", "name": "y.example", "label": LABEL}
        db.execute(
            f"INSERT INTO domain ({', '.join(c[0] for c in columns)}) "
            f"VALUES ({', '.join('?' for _ in columns)})",
            [values.get(name, {"BIGINT": 0, "BYTEA": b""}.get(kind, ""))
             for name, kind, _ in columns])
        db.execute("INSERT INTO label (label, tenant, domain) "
                   "VALUES (?, 'default', 'y.example')", [LABEL])
    done = moat("report", "replay", "--unreadable")
    assert (done.returncode, done.stdout) == (0, "1 report to be read again\n")
    spool.wait_empty()
    assert spool.names("done") == [bad] and not spool.names("bad")
    assert not rows(moat, "SELECT 1 FROM bad_report")
    before = rows(moat, "SELECT id, report_id, raw_sha256 FROM report")
    assert [row[1] for row in before] == ["r1"]

    done = moat("report", "replay", bad, "000000000000-nothing.post")
    assert done.returncode != 0 and "1 report to be read" in done.stdout
    assert "000000000000-nothing.post is neither in spool/bad" in done.stderr
    spool.wait_empty()
    after = rows(moat, "SELECT id, report_id, raw_sha256 FROM report")
    assert after[0][0] != before[0][0] and after[0][1:] == before[0][1:]
    assert len(after) == 1
    answer = moat.json("report", "replay", "000000000000-nothing.post")
    assert answer["missing"] == ["000000000000-nothing.post"]
    assert moat("report", "replay").returncode == 64
    assert moat("report", "replay", "--unreadable", bad).returncode == 64
    assert moat("report", "replay", "../x").returncode != 0


def test_reports_of_a_tenant(stack, tmp_path):
    moat = stack.enter_context(
        Moat(tmp_path / "moat", {"server": {"roles": "digest console"}}))
    Spool(moat).put(report(1))
    Spool(moat).wait_empty()
    with sqlite3.connect(moat.state / "moat.db") as db:
        db.execute("INSERT INTO tenant (id, name, created) "
                   "VALUES ('other', 'other', 0)")
        db.execute("PRAGMA foreign_keys = OFF")
        for table in "report", "report_result":
            db.execute(f"UPDATE {table} SET tenant = 'other'")
    assert moat.json("report", "list") == {"reports": []}
    assert [r["tenant"] for r in moat.json(
        "report", "list", "--tenant", "other")["reports"]] == ["other"]
    for words in ("report", "list"), ("report", "summary"), ("alert", "list"):
        done = moat(*words, "--tenant", "othr")
        assert done.returncode == 2 and "no such tenant" in done.stderr
