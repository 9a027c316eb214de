# SPDX-License-Identifier: Apache-2.0
"""Alerts all the way: a report comes in, an alert opens, a mail and a signed
call of the webhook go out once; a good report closes it."""

import hashlib
import hmac
import ipaddress
import json
import os
import shutil
import time

import pytest

from harness.moat import Moat, ordinary_user
from harness.policy_host import Authority
from harness.process import wait_until
from harness.sinks import HOST, HookSink, MailSink

DOMAIN = "customer.example"
USER, PASSWORD, KEY = "moat", "pass word", "a key of some length"
WAIT_S = 30


def report(number, day, failed, kind="certificate-expired"):
    return json.dumps({
        "organization-name": "Sender Inc.",
        "date-range": {"start-datetime": f"2026-11-{day}T00:00:00Z",
                       "end-datetime": f"2026-11-{day}T23:59:59Z"},
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

    def __init__(self, stack, folder):
        ca = Authority(folder / "ca")
        cert = ca.issue(ipaddress.ip_address(HOST))
        self.mail = stack.enter_context(MailSink(cert, USER, PASSWORD))
        self.hook = stack.enter_context(HookSink(cert))
        self.folder = folder
        self.moat = stack.enter_context(Moat(folder / "moat", settings={
            "server": {"roles": "console digest notify"},
            "alert": {
                "mail_to": "ops@example.com night@example.com",
                "mail_from": "moat@example.com",
                "smtp": f"smtp://{HOST}:{self.mail.port}",
                "smtp_user": USER,
                "smtp_password_file": self.secret("password", PASSWORD),
                "webhook": f"https://{HOST}:{self.hook.port}/in",
                "webhook_key_file": self.secret("key", KEY),
                "allow_private": "yes", "ca_file": ca.file}}))

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

    def wait_told(self, count):
        wait_until(lambda: len(self.mail.mails) >= count
                   and len(self.hook.calls) >= count, WAIT_S,
                   f"{count} mails and calls")


def check_signature(headers, body):
    when, mac = (part.split("=", 1)[1]
                 for part in headers["Moat-Signature"].split(","))
    assert abs(time.time() - int(when)) < 300
    assert hmac.compare_digest(mac, hmac.new(
        KEY.encode(), when.encode() + b"." + body,
        hashlib.sha256).hexdigest())


@pytest.fixture
def world(stack, tmp_path):
    return World(stack, tmp_path)


def test_opens_is_told_once_and_closes(world):
    world.take(report(1, 18, failed=3))
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
    [(headers, body)] = world.hook.calls
    check_signature(headers, body)
    posted = json.loads(body)
    assert posted["event"] == "opened"
    assert {k: posted[k] for k in ("kind", "domain", "item", "what")} == {
        k: alert[k] for k in ("kind", "domain", "item", "what")}
    # The next bad day is no news; the first good one ends it.
    world.take(report(2, 19, failed=4))
    wait_until(lambda: "4 sessions" in world.alerts()[0]["what"], WAIT_S,
               "the alert to follow the report")
    world.take(report(3, 20, failed=0))
    world.wait_told(2)
    assert world.alerts() == []
    [closed] = world.alerts("--closed")
    assert (closed["id"], closed["state"]) == (alert["id"], "closed")
    _, (_, answer) = world.mail.mails
    assert answer["In-Reply-To"] == mail["Message-ID"]
    assert [json.loads(b)["event"] for _, b in world.hook.calls] == [
        "opened", "closed"]
    assert {n["state"] for n in world.moat.json(
        "alert", "show", alert["id"])["notices"]} == {"sent"}


def test_what_is_acknowledged_is_told_no_more(world):
    world.mail.refuse = "451 4.3.0 later"
    world.take(report(1, 18, failed=3, kind="starttls-not-supported"))
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
