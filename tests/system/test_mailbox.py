# SPDX-License-Identifier: Apache-2.0
"""Report mail out of a mailbox at a real IMAP server: what comes in and leaves
the folder, what a bad certificate or password does, and what a crash does."""

import base64
import contextlib
import gzip
import ipaddress
import json
import os
import random
import shutil
import socketserver
import threading
import time

from harness.dovecot import HOST, PASSWORD, USER, Dovecot
from harness.moat import Moat, ordinary_user
from harness.policy_host import Authority
from harness.process import wait_until
from harness.sinks import tls_of

DOMAIN = "customer.example"
WAIT_S = 60
MANY = 500
KILLS = 6


def report(number, domain=DOMAIN):
    return json.dumps({
        "organization-name": "Sender Inc.",
        "date-range": {"start-datetime": "2026-11-18T00:00:00Z",
                       "end-datetime": "2026-11-18T23:59:59Z"},
        "contact-info": "tls@sender.example", "report-id": f"r{number}",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": domain},
            "summary": {"total-successful-session-count": 10,
                        "total-failure-session-count": 0}}]})


def mail(number, to=USER, domain=DOMAIN, head=()):
    body = base64.encodebytes(gzip.compress(
        report(number, domain).encode())).replace(b"\n", b"\r\n")
    lines = [*head, "From: tls@sender.example", f"To: {to}",
             f"Subject: report {number}", "MIME-Version: 1.0",
             "Content-Type: application/tlsrpt+gzip",
             "Content-Transfer-Encoding: base64"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class World:
    """moat with the role imap, and Dovecot. box: settings of [mailbox m];
    names: what the server's certificate is for."""

    def __init__(self, stack, folder, box=None, names=None, settings=None,
                 **dovecot):
        self.folder = folder
        self.ca = Authority(folder / "ca")
        cert = self.ca.issue(*(names or [ipaddress.ip_address(HOST)]))
        self.server = stack.enter_context(
            Dovecot(folder / "dovecot", cert, **dovecot))
        self.secret = folder / "password"
        self.set_password(PASSWORD)
        settings = settings or {}
        settings.setdefault("server", {}).setdefault(
            "roles", "console digest imap")
        settings["mailbox m"] = {
            "url": f"imaps://{HOST}:{self.server.imaps}", "user": USER,
            "password_file": self.secret, "every": "10s",
            "ca_file": self.ca.file, "allow_private": "yes", **(box or {})}
        settings.setdefault("report", {})["host"] = "rua.example"
        self.moat = Moat(folder / "moat", settings)
        stack.callback(self.moat.stop)

    def set_password(self, text):
        self.secret.write_text(text + "\n")
        self.secret.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(self.secret, ordinary_user())

    def start(self, *domains):
        self.moat.start()
        for domain in domains or [DOMAIN]:
            done = self.moat("domain", "add", domain)
            assert done.returncode == 0, done.stderr
        done = self.moat("report", "rule", "--mail", "accept")
        assert done.returncode == 0, done.stderr
        return self

    def reports(self):
        return self.moat.json("report", "list", "--limit", "1000")["reports"]

    def box(self):
        [box] = self.moat.json("report", "mailbox")["mailboxes"]
        return box

    def wait_reports(self, count):
        wait_until(lambda: len(self.reports()) >= count, WAIT_S,
                   f"{count} reports")
        assert len(self.reports()) == count

    def wait_moved(self, count, folder="moat-read"):
        wait_until(lambda: len(self.server.mails(folder)) >= count
                   and not self.server.mails(), WAIT_S, "mails to be moved")
        assert len(self.server.mails(folder)) == count

    def wait_failed(self):
        return wait_until(lambda: self.box()["failures"] and self.box(),
                          WAIT_S, "a failed pull")


def test_reports_come_in_and_mails_move(stack, tmp_path):
    world = World(stack, tmp_path)
    for i in range(3):
        world.server.put(mail(i))
    world.start()
    world.wait_reports(3)
    world.wait_moved(3)
    assert {r["via"] for r in world.reports()} == {"mail"}
    [shut_in] = world.moat.process.log_lines("role.sandboxed role=imap")
    spool = f"{world.moat.state}/spool"
    assert f"reads={spool} writes={spool} " in shut_in
    box = wait_until(lambda: world.box()["pulled"] and world.box(), WAIT_S,
                     "the pull to end")
    assert (box["taken"], box["error"], box["failures"]) == (3, "", 0)
    assert "Mailbox m: 3 mails taken" in world.moat("status").stdout
    world.server.put(mail(4))  # what comes later
    world.wait_reports(4)
    world.wait_moved(4)


def test_whose_report_it_is(stack, tmp_path):
    """The ID in Delivered-To before that in To; else by the report."""
    world = World(stack, tmp_path).start("a.example", "b.example")
    label = {d: world.moat.json("domain", "show", d)["label"]
             for d in ("a.example", "b.example")}
    a, b = (f"{label[d]}@rua.example" for d in ("a.example", "b.example"))
    world.server.put(mail(1, a, "a.example"))
    world.server.put(mail(2, f"x@y.example, Somebody <{a.upper()}>",
                          "b.example", [f"Delivered-To: {b}"]))
    world.server.put(mail(3, "aaaaaaaaaaaaaaaa@rua.example", "b.example"))
    world.server.put(mail(4, domain="other.example"))
    world.wait_moved(4)
    world.wait_reports(3)
    assert {r["report_id"]: r["domain"] for r in world.reports()} == {
        "r1": "a.example", "r2": "b.example", "r3": "b.example"}
    [bad] = wait_until(
        lambda: world.moat.json("report", "unreadable")["unreadable"],
        WAIT_S, "the fourth")
    assert "no domain of the tenant default" in bad["reason"]


def test_what_is_no_report_is_listed(stack, tmp_path):
    world = World(stack, tmp_path)
    world.server.put(b"Return-Path: <jo@x.example>\r\nSubject: hello\r\n\r\n"
                     b"no report\r\n")
    world.server.put(mail(1))
    world.start()
    world.wait_moved(2)
    world.wait_reports(1)
    [bad] = wait_until(
        lambda: world.moat.json("report", "unreadable")["unreadable"],
        WAIT_S, "the one that is no report")
    assert bad["remote"] == "jo@x.example"
    assert bad["via"] == "mail" and bad["reason"]


def test_starttls_and_delete(stack, tmp_path):
    world = World(stack, tmp_path, {"delete": "yes"})
    world.moat.settings["mailbox m"]["url"] = (
        f"imap://{HOST}:{world.server.imap}")
    world.server.put(mail(1))
    world.start()
    world.wait_reports(1)
    world.wait_moved(0)


def test_a_server_without_move(stack, tmp_path):
    world = World(stack, tmp_path, capability="IMAP4rev1 UIDPLUS")
    world.server.put(mail(1))
    world.start()
    world.wait_reports(1)
    world.wait_moved(1)


def test_what_cannot_be_moved_is_taken_once(stack, tmp_path):
    """As after a crash between the spool and the move: no second copy, and
    the next pull that can moves it."""
    world = World(stack, tmp_path, {"processed": "a..b"})
    world.server.put(mail(1))
    world.start()
    box = world.wait_failed()
    assert "a..b cannot be made" in box["error"]
    world.wait_reports(1)
    world.moat.settings["mailbox m"]["processed"] = "moat-read"
    world.moat.stop()
    world.server.put(mail(2))
    world.moat.start()
    world.wait_moved(2)
    world.wait_reports(2)
    box = wait_until(lambda: not world.box()["failures"] and world.box(),
                     WAIT_S, "a good pull")
    assert box["taken"] == 2
    assert len(world.moat.process.log_lines("report.taken")) == 2


def test_large_ones_stay_and_are_told(stack, tmp_path):
    world = World(stack, tmp_path, settings={"report": {"max_size": "20k"}})
    world.server.put(mail(1) + b"x" * 30000)
    world.server.put(mail(2))
    world.start()
    world.wait_reports(1)
    wait_until(lambda: world.box()["left"] == 1, WAIT_S, "one left")
    assert len(world.server.mails()) == 1
    assert len(world.server.mails("moat-read")) == 1
    assert world.moat.process.log_lines("mailbox.too_large")


def refused(world):
    """It fails, is told once, and the trial says the same."""
    box = world.wait_failed()
    assert box["taken"] == 0 and world.server.mails()
    test = world.moat("report", "mailbox", "test", "m")
    assert test.returncode == 2
    assert world.moat("report", "mailbox").returncode == 1
    assert len(world.moat.process.log_lines("mailbox.failed")) == 1
    return box["error"], test.stderr


def test_wrong_certificates_are_refused(stack, tmp_path):
    world = World(stack, tmp_path, names=["imap.example"])
    world.server.put(mail(1))
    world.start()
    said = refused(world)
    assert all("certificate" in text for text in said)
    assert USER not in world.server.process.log_text()  # it was not told


def test_an_unknown_authority_is_refused(stack, tmp_path):
    world = World(stack, tmp_path)
    world.moat.settings["mailbox m"]["ca_file"] = Authority(
        tmp_path / "other", "other CA").file
    world.server.put(mail(1))
    world.start()
    said = refused(world)
    assert all("certificate" in text for text in said)


def test_a_server_without_tls_is_refused(stack, tmp_path):
    """STARTTLS that is not offered: no password in the clear."""
    world = World(stack, tmp_path, tls=False)
    world.moat.settings["mailbox m"]["url"] = (
        f"imap://{HOST}:{world.server.imap}")
    world.server.put(mail(1))
    world.start()
    refused(world)
    assert USER not in world.server.process.log_text()  # it was not told


def test_private_addresses_need_leave(stack, tmp_path):
    world = World(stack, tmp_path, {"allow_private": "no"})
    world.server.put(mail(1))
    world.start()
    refused(world)
    assert USER not in world.server.process.log_text()  # it was not told


def test_a_wrong_password_then_the_right_one(stack, tmp_path):
    world = World(stack, tmp_path)
    world.set_password("wrong")
    world.server.put(mail(1))
    world.start()
    said = refused(world)
    assert all(HOST in text for text in said)
    world.set_password(PASSWORD)
    world.wait_reports(1)
    test = world.moat("report", "mailbox", "test", "m")
    assert (test.returncode, test.stdout) == (
        0, "m: logged in, and the folder INBOX is there.\n")
    wait_until(lambda: world.moat("report", "mailbox").returncode == 0,
               WAIT_S, "the failures to be forgotten")


class Talker(socketserver.StreamRequestHandler):
    """An IMAP server that lets everybody in, and then never comes to an end."""

    timeout = WAIT_S

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        with contextlib.suppress(OSError):
            self.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello")
            while words := self.rfile.readline().decode().split():
                while words[1] == "SELECT":
                    self.say("* OK a moment")
                if words[1] == "CAPABILITY":
                    self.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR")
                self.say(f"{words[0]} OK done")


class TalkerServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, cert):
        super().__init__((HOST, 0), Talker)
        self.context = tls_of(cert)

    def get_request(self):
        connection, peer = super().get_request()
        return self.context.wrap_socket(connection, server_side=True), peer


def test_one_that_talks_on_keeps_no_other_waiting(stack, tmp_path):
    world = World(stack, tmp_path)
    talker = stack.enter_context(TalkerServer(
        world.ca.issue(ipaddress.ip_address(HOST))))
    threading.Thread(target=talker.serve_forever, daemon=True).start()
    stack.callback(talker.shutdown)
    other = world.moat.settings.pop("mailbox m")
    world.moat.settings |= {
        "mailbox a": {**other, "timeout": "2s",
                      "url": f"imaps://{HOST}:{talker.server_address[1]}"},
        "mailbox m": other}
    world.server.put(mail(1))
    world.start()
    world.wait_reports(1)
    world.wait_moved(1)
    boxes = world.moat.json("report", "mailbox")["mailboxes"]
    assert [(box["name"], box["failures"] > 0) for box in boxes] == [
        ("a", True), ("m", False)]
    assert boxes[0]["error"] == f"{HOST}: it takes too long"


def test_a_trial_of_nothing(stack, tmp_path):
    world = World(stack, tmp_path, {"folder": "nowhere"}).start()
    test = world.moat("report", "mailbox", "test", "m")
    assert test.returncode == 2 and "nowhere" in test.stderr
    assert world.moat("report", "mailbox", "test", "x").returncode == 2
    assert world.moat("report", "mailbox", "try", "m").returncode == 64


def test_many_mails_and_kills(stack, tmp_path):
    """Each report counts once, however often the role dies; no mail is left,
    and none is gone."""
    world = World(stack, tmp_path,
                  settings={"report": {"per_id": 100000}})
    for i in range(MANY):
        world.server.put(mail(i))
    world.start()
    for _ in range(KILLS):
        wait_until(lambda: world.moat.role_pids("imap"), WAIT_S, "the role")
        time.sleep(random.uniform(0, 0.3))
        world.moat.kill_role("imap")
    wait_until(lambda: not world.server.mails(), 2 * WAIT_S, "empty INBOX")
    wait_until(lambda: len(world.server.mails("moat-read")) == MANY, WAIT_S,
               "all of them in moat-read")
    ids = wait_until(lambda: (ids := {
        r["report_id"] for r in world.reports()}) == {
            f"r{i}" for i in range(MANY)} and ids, WAIT_S, "all reports")
    assert len(world.reports()) == len(ids) == MANY
