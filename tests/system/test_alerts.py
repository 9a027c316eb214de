# SPDX-License-Identifier: Apache-2.0
"""Alerts all the way: a report comes in, an alert opens, a mail and a signed
call of the webhook go out once; a good report closes it."""

import contextlib
import datetime
import hashlib
import hmac
import ipaddress
import json
import os
import shutil
import sqlite3
import time

import pytest

from harness.moat import Moat, ordinary_user
from harness.policy_host import Authority
from harness.process import wait_until
from harness.sinks import HOST, HookSink, MailSink

DOMAIN = "customer.example"
USER, PASSWORD, KEY = "moat", "pass word", "a key of some length"
WAIT_S = 30


def report(number, days_ago, failed, kind="certificate-expired"):
    day = (datetime.datetime.now(datetime.timezone.utc)
           - datetime.timedelta(days=days_ago)).strftime("%Y-%m-%d")
    return json.dumps({
        "organization-name": "Sender Inc.",
        "date-range": {"start-datetime": f"{day}T00:00:00Z",
                       "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": "tls@sender.example", "report-id": f"r{number}",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": DOMAIN},
            "summary": {"total-successful-session-count": 10,
                        "total-failure-session-count": failed},
            "failure-details": [{"result-type": kind,
                                 "failed-session-count": failed}]
            if failed else []}]})


class World:
    """moat with a submission server and a webhook receiver."""

    def __init__(self, stack, folder, alert=None, tls_first=False):
        ca = Authority(folder / "ca")
        cert = ca.issue(ipaddress.ip_address(HOST))
        self.mail = stack.enter_context(MailSink(
            cert, USER, PASSWORD, tls_first))
        self.hook = stack.enter_context(HookSink(cert))
        self.folder = folder
        self.moat = stack.enter_context(Moat(folder / "moat", settings={
            "server": {"roles": "console digest notify"},
            "alert": {
                "mail_to": "ops@example.com night@example.com",
                "mail_from": "moat@example.com",
                "smtp": f"smtp{'s' * tls_first}://{HOST}:{self.mail.port}",
                "smtp_user": USER,
                "smtp_password_file": self.secret("password", PASSWORD),
                "webhook": f"https://{HOST}:{self.hook.port}/in",
                "webhook_key_file": self.secret("key", KEY),
                "allow_private": "yes", "tenant_allow_private": "yes",
                "ca_file": ca.file,
                **(alert or {})}}))

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(path, ordinary_user())
        return path

    def take(self, text):
        path = self.folder / "report.json"
        path.write_text(text)
        done = self.moat("report", "import", path)
        assert done.returncode == 0, done.stderr

    def alerts(self, *words):
        return self.moat.json("alert", "list", *words)["alerts"]

    def sql(self, *statements):
        """Changes the database as if time had passed; gives the rows of the
        last statement."""
        with contextlib.closing(sqlite3.connect(
                self.moat.state / "moat.db", timeout=WAIT_S)) as db, db:
            return [db.execute(statement).fetchall()
                    for statement in statements][-1]

    def notices(self, channel):
        return [n for alert in self.alerts() for n in self.moat.json(
            "alert", "show", alert["id"])["notices"]
                if n["channel"] == channel]

    def wait_told(self, count):
        wait_until(lambda: len(self.mail.mails) >= count
                   and len(self.hook.calls) >= count, WAIT_S,
                   f"{count} mails and calls")


def check_signature(headers, body, key=KEY):
    when, mac = (part.split("=", 1)[1]
                 for part in headers["Moat-Signature"].split(","))
    assert abs(time.time() - int(when)) < 300
    assert hmac.compare_digest(mac, hmac.new(
        key.encode(), when.encode() + b"." + body,
        hashlib.sha256).hexdigest())


@pytest.fixture
def world(stack, tmp_path):
    return World(stack, tmp_path)


def test_opens_is_told_once_and_closes(world):
    world.take(report(1, 3, failed=3))
    world.wait_told(1)
    [alert] = world.alerts()
    assert (alert["kind"], alert["item"], alert["state"]) == (
        "failure", "certificate-expired", "open")
    [(to, mail)] = world.mail.mails
    assert to == ["ops@example.com", "night@example.com"]
    assert mail["Subject"] == (
        f"[moat] {DOMAIN}: failure certificate-expired opened")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert alert["what"] in " ".join(mail.get_content().split())
    told = " ".join(mail.get_content().split())
    [meaning] = world.moat.json("report", "explain", "certificate-expired")
    assert meaning["todo"] in told
    shown = " ".join(world.moat("alert", "show", alert["id"]).stdout.split())
    assert meaning["todo"] in shown
    assert (f"moat report failures --domain {DOMAIN} --result "
            "certificate-expired") in shown
    [(headers, body)] = world.hook.calls
    check_signature(headers, body)
    posted = json.loads(body)
    assert posted["event"] == "opened"
    assert {k: posted[k] for k in ("kind", "domain", "item", "what")} == {
        k: alert[k] for k in ("kind", "domain", "item", "what")}
    # The next bad day is no news; the first good one ends it.
    world.take(report(2, 2, failed=4))
    wait_until(lambda: "4 sessions" in world.alerts()[0]["what"], WAIT_S,
               "the alert to follow the report")
    world.take(report(3, 1, failed=0))
    world.wait_told(2)
    assert world.alerts() == []
    [closed] = world.alerts("--closed")
    assert (closed["id"], closed["state"]) == (alert["id"], "closed")
    _, (_, answer) = world.mail.mails
    assert answer["References"] == mail["References"]
    assert answer["Message-ID"] != mail["Message-ID"]
    assert [json.loads(b)["event"] for _, b in world.hook.calls] == [
        "opened", "closed"]
    assert {n["state"] for n in world.moat.json(
        "alert", "show", alert["id"])["notices"]} == {"sent"}


def test_what_is_acknowledged_is_told_no_more(world):
    world.mail.refuse = "451 4.3.0 later"
    world.take(report(1, 3, failed=3, kind="starttls-not-supported"))
    wait_until(lambda: world.hook.calls and any(
        n["attempts"] for n in world.moat.json(
            "alert", "show", world.alerts()[0]["id"])["notices"]
        if n["channel"] == "mail"), WAIT_S, "the first attempt")
    [alert] = world.alerts()
    assert alert["kind"] == "starttls"
    [tried] = [n for n in world.moat.json(
        "alert", "show", alert["id"])["notices"] if n["channel"] == "mail"]
    assert tried["state"] == "waiting"
    assert "451 4.3.0 later" in tried["error"]
    known = world.moat.json("alert", "ack", alert["id"])
    assert known["state"] == "acknowledged"
    assert [n["channel"] for n in known["notices"]] == ["webhook"]
    assert world.mail.mails == []


def test_a_trial_shows_the_real_error(world):
    assert world.moat("alert", "test", "mail").returncode == 0
    assert world.mail.mails[0][1]["Subject"] == "[moat] a trial message"
    world.mail.refuse = "550 5.1.1 nobody of that name"
    failed = world.moat("alert", "test", "mail")
    assert failed.returncode == 2
    assert f"{HOST} said: 550 5.1.1 nobody of that name" in failed.stderr
    world.mail.refuse, world.mail.login = None, [USER, "another"]
    failed = world.moat("alert", "test", "mail")
    assert "535 5.7.8 wrong password" in failed.stderr
    assert world.moat("alert", "test", "webhook").returncode == 0
    check_signature(*world.hook.calls[0])
    world.hook.codes = [403]
    failed = world.moat("alert", "test", "webhook")
    assert failed.returncode == 2
    assert "the webhook answered 403" in failed.stderr
    assert world.alerts("--closed") == []


def test_a_private_webhook_is_not_called(stack, tmp_path):
    world = World.__new__(World)
    world.folder = tmp_path
    moat = stack.enter_context(Moat(tmp_path / "moat", settings={
        "server": {"roles": "console notify"},
        "alert": {"webhook": f"https://{HOST}:1/",
                  "webhook_key_file": world.secret("key", KEY)}}))
    failed = moat("alert", "test", "webhook")
    assert failed.returncode == 2
    assert HOST in failed.stderr
    failed = moat("alert", "test", "mail")
    assert failed.returncode == 2
    assert "set mail_to, mail_from and smtp under [alert]" in failed.stderr


def test_tls_from_the_first_byte(stack, tmp_path):
    world = World(stack, tmp_path, tls_first=True)
    assert world.moat("alert", "test", "mail").returncode == 0
    assert world.mail.mails[0][1]["Subject"] == "[moat] a trial message"


def test_what_was_refused_for_now_is_sent_later(world):
    world.mail.refuse = "451 4.3.0 later"
    world.take(report(1, 3, failed=3))
    wait_until(lambda: [n["attempts"] for n in world.notices("mail")] == [1],
               WAIT_S, "the first attempt")
    [waiting] = world.notices("mail")
    assert waiting["state"] == "waiting"
    assert waiting["next"] > time.time() - WAIT_S
    world.mail.refuse = None
    world.sql("UPDATE notice SET next_at = 0 WHERE state = 0")
    wait_until(lambda: world.mail.mails, WAIT_S, "the second attempt")
    wait_until(lambda: world.notices("mail")[0]["state"] == "sent", WAIT_S,
               "the note that it was sent")
    assert world.notices("mail")[0]["attempts"] == 2
    [(_, mail)] = world.mail.mails
    assert mail["Subject"].endswith("failure certificate-expired opened")


def test_what_is_too_much_for_one_hour_waits(stack, tmp_path):
    world = World(stack, tmp_path, alert={"per_hour": 1})
    world.take(report(1, 3, failed=3))
    wait_until(lambda: world.mail.mails, WAIT_S, "the first mail")
    world.take(report(2, 2, failed=3, kind="starttls-not-supported"))
    wait_until(lambda: any("alert.per_hour" in n["error"]
                           for n in world.notices("mail")), WAIT_S,
               "the second to wait")
    assert len(world.mail.mails) == 1
    # A trial waits for nothing.
    assert world.moat("alert", "test", "mail").returncode == 0
    world.sql("UPDATE notice SET done = done - 3601 WHERE state = 1",
              "UPDATE notice SET next_at = 0 WHERE state = 0")
    wait_until(lambda: len(world.mail.mails) == 3, WAIT_S, "the second mail")


def test_a_tenant_has_recipients_of_its_own(world):
    url = f"https://{HOST}:{world.hook.port}/own"
    added = world.moat.json("alert", "recipient", "add", "webhook", url)
    assert added["target"] == url and len(added["key"]) == 64
    assert world.moat("alert", "recipient", "add", "mail",
                      "me@customer.example").returncode == 0
    for bad in ("me@x\r\nBcc: you@y", "<me@x>", "me", "me@x,you@y"):
        refused = world.moat("alert", "recipient", "add", "mail", bad)
        assert refused.returncode == 2, bad
    refused = world.moat("alert", "recipient", "add", "webhook",
                         "http://customer.example/")
    assert refused.returncode == 2
    listed = world.moat.json("alert", "recipient", "list")
    assert listed["own"] and [r["target"] for r in listed["recipients"]] == [
        "me@customer.example", url]
    # Trials go to them, one by one, or as before to those of moat.conf.
    tried = world.moat("alert", "test", "mail", "--tenant", "default")
    assert tried.stdout == "me@customer.example: the trial message was taken.\n"
    assert [to for to, _ in world.mail.mails] == [["me@customer.example"]]
    tried = world.moat("alert", "test", "webhook", "--tenant", "default")
    assert tried.stdout == f"{url}: the trial message was taken.\n"
    check_signature(*world.hook.calls[0], key=added["key"])
    assert world.moat("alert", "test", "webhook").returncode == 0
    check_signature(*world.hook.calls[1])
    world.mail.mails.clear()
    world.hook.calls.clear()
    world.take(report(1, 3, failed=3))
    world.wait_told(1)
    [(to, mail)] = world.mail.mails
    assert to == ["me@customer.example"] == [mail["To"]]
    check_signature(*world.hook.calls[0], key=added["key"])
    assert world.moat("alert", "recipient", "remove", "mail",
                      "me@customer.example").returncode == 0
    tried = world.moat("alert", "test", "mail", "--tenant", "default")
    assert "nobody is told by mail" in tried.stderr
    left = world.moat.json("alert", "recipient", "remove", "webhook", url)
    assert not left["own"]
    gone = world.moat("alert", "recipient", "remove", "webhook", url)
    assert "moat alert recipient list shows who is told" in gone.stderr
    assert [r["target"] for r in left["recipients"]][:2] == [
        "ops@example.com", "night@example.com"]
    world.take(report(2, 2, failed=0))
    world.wait_told(2)
    assert world.mail.mails[1][0] == ["ops@example.com", "night@example.com"]


def test_private_networks_are_not_for_tenants(stack, tmp_path):
    world = World(stack, tmp_path, alert={"tenant_allow_private": "no"})
    url = f"https://{HOST}:{world.hook.port}/own"
    # The operator's goes there, and leaves a connection behind.
    assert world.moat("alert", "test", "webhook").returncode == 0
    called = len(world.hook.calls)
    world.moat.json("alert", "recipient", "add", "webhook", url)
    world.take(report(1, 3, failed=3))
    wait_until(lambda: any(n["error"] for n in world.notices("webhook")),
               WAIT_S, "the call to fail")
    [notice] = world.notices("webhook")
    assert notice["state"] == "waiting" and notice["attempts"] == 1
    assert len(world.hook.calls) == called


def test_options_of_a_tenant(world):
    usual = world.moat.json("alert", "options")
    assert (usual["digest"], usual["digest_now"]) == ("usual", "weekly")
    assert world.moat("alert", "options").stdout == (
        "digest: weekly (as moat.conf says)\n"
        "quiet: none (as moat.conf says)\n")
    mine = world.moat.json("alert", "options", "--digest", "both", "--quiet",
                           "20:00-05:30")
    assert (mine["digest_now"], mine["quiet"]) == ("both", "20:00-05:30")
    for bad in (["--digest", "hourly"], ["--quiet", "20-5"]):
        assert world.moat("alert", "options", *bad).returncode == 2
    assert world.moat.json("alert", "options") == mine
    assert world.moat("alert", "options", "--tenant",
                      "nobody").returncode == 2
    assert [row["action"] for row in world.moat.json("audit")["audit"]] == [
        "alert.options"]


def test_a_digest_is_shown_and_sent(world):
    world.take(report(1, 3, failed=3))
    world.wait_told(1)
    opened = datetime.datetime.fromtimestamp(
        world.alerts()[0]["opened"], datetime.timezone.utc)
    day = opened.strftime("%Y-%m-%d")
    shown = world.moat.json("alert", "digest", "--day", day)
    assert shown["proven"] == {"reports": 1, "successful": 10, "failed": 3}
    assert shown["subject"] == f"daily digest {day}: 1 alert open"
    [failure] = shown["failures"]
    assert (failure["domain"], failure["result_type"], failure["before"]) == (
        DOMAIN, "certificate-expired", 0)
    assert [r["reporter"] for r in shown["reporters"]] == ["Sender Inc."]
    assert shown["text"] in world.moat("alert", "digest", "--day", day).stdout
    sent = world.moat.json("alert", "digest", "--weekly", "--day", day,
                           "--send")
    assert sent["period"] == "weekly" and len(sent["notices"]) == 1
    wait_until(lambda: len(world.mail.mails) == 2, WAIT_S, "the digest")
    to, mail = world.mail.mails[1]
    assert to == ["ops@example.com", "night@example.com"]
    assert mail["Subject"] == f"[moat] {sent['subject']}"
    assert mail.get_content().splitlines() == sent["text"].splitlines()
    [meaning] = world.moat.json("report", "explain", "certificate-expired")
    assert meaning["todo"] in " ".join(mail.get_content().split())
    # Nothing came in before that; the webhook has no digests.
    assert world.moat.json("alert", "digest", "--day", "2020-01-01")["empty"]
    assert len(world.hook.calls) == 1


def test_a_digest_goes_out_once(world):
    """The week before is told at the start; neither a crash nor another
    start tells it again."""
    world.take(report(1, 3, failed=0))
    wait_until(lambda: world.moat.json("report", "list")["reports"], WAIT_S,
               "the report")
    world.moat.stop()
    world.sql("UPDATE report SET received = received - 604800",
              "UPDATE tenant SET digest_week = 4, digest_day = 4")
    world.moat.start()
    # Before that is noted, a crash would send it again.
    wait_until(lambda: world.sql("SELECT id FROM notice WHERE state = 1"),
               WAIT_S, "the digest")
    for again in range(2):
        if again:
            world.moat.stop()
            world.moat.start()
        else:
            world.moat.kill_role("notify")
        # The trial goes out after a whole look of the new process.
        assert world.moat("alert", "test", "mail").returncode == 0
    assert [mail["Subject"].split(" 2")[0] for _, mail in world.mail.mails] == [
        "[moat] weekly digest", "[moat] a trial message",
        "[moat] a trial message"]
