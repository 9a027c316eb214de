# SPDX-License-Identifier: Apache-2.0
"""Report mail all the way: a sender signs, Postfix delivers by LMTP, the key
is in a real zone, and what is proven becomes rows; the rest is in quarantine."""

import base64
import gzip
import json
import os
import random
import signal
import smtplib
import sqlite3
import time

import pytest

from harness import dkim
from harness.dkim import Signer
from harness.knot import Knot
from harness.moat import Moat
from harness.postfix import HOST, Postfix
from harness.process import wait_until
from harness.unbound import Unbound

DOMAIN = "customer.example"
SENDER = "sender.example"
RUA = "rua.example"
FROM = f"tls-reports@{SENDER}"
WAIT_S = 30


def report(number, failed=1, contact=FROM, domain=DOMAIN):
    return json.dumps({
        "organization-name": "Sender Inc.",
        "date-range": {"start-datetime": "2026-11-20T00:00:00Z",
                       "end-datetime": "2026-11-20T23:59:59Z"},
        "contact-info": contact, "report-id": f"r{number}",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": domain},
            "summary": {"total-successful-session-count": number,
                        "total-failure-session-count": failed},
            "failure-details": [{"result-type": "certificate-expired",
                                 "failed-session-count": failed}]}]}).encode()


def mail_parts(to, text):
    """As RFC 8460 section 5.3 has it."""
    packed = base64.encodebytes(gzip.compress(text)).replace(b"\n", b"\r\n")
    header = [("From", FROM), ("To", to),
              ("Subject", f"Report Domain: {DOMAIN} Submitter: {SENDER}"),
              ("TLS-Report-Domain", DOMAIN),
              ("TLS-Report-Submitter", SENDER), ("MIME-Version", "1.0"),
              ("Content-Type",
               'multipart/report; report-type="tlsrpt"; boundary="b"')]
    body = (b"--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
            b"--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + packed
            + b"--b--\r\n")
    return header, body


class World:
    """A customer of moat, a sender with its zone, and Postfix between."""

    def __init__(self, stack, folder, per_id=1000000):
        self.signer = Signer(SENDER)
        self.evil = Signer("evil.example")
        knot = stack.enter_context(Knot(folder / "knot", {
            SENDER: self.signer.record, "evil.example": self.evil.record,
            DOMAIN: "@ MX 10 mail\nmail A 127.0.0.1"}))
        unbound = stack.enter_context(Unbound(
            folder / "unbound", dict.fromkeys(
                (SENDER, "evil.example", DOMAIN), knot.port)))
        self.moat = stack.enter_context(Moat(
            folder / "moat", resolver_port=unbound.port, settings={
                "server": {"roles": "console digest keeper lmtp probe"},
                "report": {"host": RUA, "per_id": per_id},
                "lmtp": {"mailboxes": f"tls@{DOMAIN}"}}))
        self.postfix = stack.enter_context(Postfix(
            folder / "postfix", [RUA, DOMAIN],
            f"lmtp:inet:{HOST}:{self.moat.lmtp}",
            "lmtp_send_xforward_command = yes"))
        done = self.moat("domain", "add", DOMAIN)
        assert done.returncode == 0, done.stderr
        [(label,)] = self.rows("SELECT label FROM domain")
        self.to = f"{label}@{RUA}"
        wait_until(self._takes, WAIT_S, "the view to have the domain")

    def _takes(self):
        with smtplib.LMTP(HOST, self.moat.lmtp, "client.example") as s:
            s.ehlo()
            s.mail(FROM)
            return s.rcpt(self.to)[0] == 250

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.moat.state}/moat.db?mode=ro",
                             uri=True) as db:
            return db.execute(sql).fetchall()

    def send(self, text, signer=None, to=None, mend=lambda mail: mail):
        header, body = mail_parts(to or self.to, text)
        mail = signer.sign(header, body) if signer else dkim.write(
            header, body)
        self.postfix.send(FROM, to or self.to, mend(mail))

    def wait_rows(self, count):
        wait_until(lambda: self.rows("SELECT count(*) FROM report")
                   == [(count,)], WAIT_S, f"{count} reports")


@pytest.fixture
def world(stack, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root for Postfix")
    return World(stack, tmp_path)


def test_one_client_gets_a_part_of_the_hour(stack, tmp_path):
    """Postfix tells which client that is, and keeps the rest of its mail."""
    if os.geteuid() != 0:
        pytest.skip("needs root for Postfix")
    world = World(stack, tmp_path, per_id=8)
    for i in range(3):
        world.send(report(i), world.signer)
    world.wait_rows(2)
    wait_until(lambda: world.moat.process.log_lines(
        rf"report.quota .*client={HOST} whose=share"), WAIT_S, "the quota")
    assert world.rows("SELECT count(*) FROM report") == [(2,)]


def test_mail_from_beyond_ascii(world):
    """Postfix hands it on, because SMTPUTF8 is offered (RFC 6531)."""
    header, body = mail_parts(world.to, report(1))
    mail = world.signer.sign(header, body)
    with smtplib.SMTP(HOST, world.postfix.port, "client.example") as s:
        s.ehlo()
        s.sendmail("jö@bücher.example", world.to, mail, ["SMTPUTF8"])
    world.wait_rows(1)


def test_signed_mail_becomes_rows(world):
    world.send(report(1), world.signer)
    world.send(report(2), world.signer, to=f"Tls+x@{DOMAIN}")
    world.wait_rows(2)
    assert world.rows(
        "SELECT domain, via, proof, state, dkim, dkim_domain, dkim_aligned "
        "FROM report") == 2 * [(DOMAIN, "mail", f"dkim:{SENDER}", 0, "pass",
                                SENDER, 1)]
    assert world.rows("SELECT ok, failed FROM report ORDER BY ok"
                      ) == [(1, 1), (2, 1)]
    listed = world.moat.json("report", "list")["reports"]
    assert {r["proof"] for r in listed} == {f"dkim:{SENDER}"}
    assert {r["dkim"] for r in listed} == {"pass"}


def test_what_is_not_proven_ends_in_quarantine(world):
    world.send(report(1, 9))
    world.send(report(1, 9), world.evil)
    world.send(report(1, 9), world.signer, mend=lambda mail: mail.replace(
        b"A report.", b"A Report."))
    world.wait_rows(3)
    assert sorted(world.rows("SELECT dkim, state, proof FROM report")) == [
        ("fail", 1, ""), ("none", 1, ""), ("pass", 1, "")]
    assert world.moat.json("report", "list")["reports"] == []
    held = world.moat.json("report", "list", "--state", "quarantined")
    assert sorted(r["why"] for r in held["reports"]) == [
        "not signed (RFC 8460 section 3)",
        "signed by another than who reports", "the text was changed"]
    # None of them hides the real one, nor comes in its place.
    world.send(report(1, 1), world.signer)
    world.wait_rows(4)
    [real] = world.moat.json("report", "list")["reports"]
    assert real["proof"] == f"dkim:{SENDER}"
    assert real["policies"][0]["failed"] == 1


def test_the_rule_of_the_tenant(world):
    said = world.moat.json("report", "rule")
    assert (said["mail"], said["post"]) == ("quarantine", "accept")
    done = world.moat("report", "rule", "--mail", "ignore")
    assert done.returncode == 0, done.stderr
    world.send(report(1))
    world.wait_rows(1)
    assert world.moat.json("report", "list")["reports"] == []
    said = world.moat.json("report", "rule")
    assert said["mail"] == "ignore"
    assert said["unproven"] == {"accepted": 0, "quarantined": 0, "ignored": 1}
    # It was kept: under another rule it is read again.
    assert world.moat("report", "rule", "--mail", "accept").returncode == 0
    [ignored] = world.moat.json("report", "list", "--state",
                                "ignored")["reports"]
    assert world.moat("report", "replay", ignored["raw"]).returncode == 0
    wait_until(lambda: len(world.moat.json("report", "list")["reports"]) == 1,
               WAIT_S, "the report to be accepted")
    assert world.moat("report", "rule", "--mail", "perhaps").returncode == 64


def test_an_unknown_recipient_comes_back(world):
    world.send(report(1), world.signer, to=f"aaaaaaaaaaaaaaaa@{RUA}")
    world.postfix.wait_log("status=bounced")
    assert "5.1.1 nobody takes reports there" in world.postfix.log


def test_killed_all_the_way(world, full):
    """kill -9 of whoever: each mail is there, and once. The supervisor lets a
    role wait that keeps dying, so a round takes up to 15 s; test_lmtp.py kills
    the role alone, and far more often."""
    rounds = 60 if full else 8
    sent = 0
    for _ in range(rounds):
        for _ in range(3):
            sent += 1
            world.send(report(sent), world.signer)
        time.sleep(random.uniform(0, 0.3))
        role = random.choice(["lmtp", "digest"])
        for pid in world.moat.role_pids(role):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda name=role: world.moat.role_pids(name), 40,
                   f"{role} to come back")
    wait_until(lambda: world.rows("SELECT count(DISTINCT report_id) "
                                  "FROM report") == [(sent,)], 120,
               "all reports")
    wait_until(lambda: not os.listdir(world.moat.state / "spool" / "new"), 60,
               "the spool to be empty")
    assert world.rows("SELECT count(*), sum(ok) FROM report") == [
        (sent, sent * (sent + 1) // 2)]
