# SPDX-License-Identifier: Apache-2.0
"""Mail that a real Postfix holds back because of a policy: moat held names it
and why, and when the policy is mended it goes at once, if that is wanted."""

import contextlib
import json
import pwd
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from harness import postfix
from harness.moat import HOST, ordinary_user
from harness.postfix import Postfix
from harness.process import wait_until, with_mounts
from test_policy_role import World, domain, policy

UNIT = Path(__file__).resolve().parents[2] / "etc" / "moatd.service.in"
WAIT_S = 30
MAIL = "Subject: held\r\n\r\nhello\r\n"
NAME = domain("moved")
# Nothing is tried again by itself while a test runs.
SLOW = """\
minimal_backoff_time = 1h
maximal_backoff_time = 1h
queue_run_delay = 1h
smtp_host_lookup = native
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtp_tls_CAfile = {ca}
smtp_tls_policy_maps = socketmap:inet:{host}:{port}:sts
"""

pytestmark = pytest.mark.skipif(not postfix.available(), reason="needs root")


class Receiver:
    """A mail host with STARTTLS and one certificate; .mails is what came in,
    each with whether it was over TLS."""

    def __init__(self, certificate):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.mails = []
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(WAIT_S)

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                client.settimeout(WAIT_S)
                with contextlib.suppress(OSError):
                    self._talk(client)
                client.close()

    def _talk(self, client):
        secure, lines = False, client.makefile("rb")
        client.sendall(b"220 mx ESMTP\r\n")
        while line := lines.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                client.sendall(b"250 mx\r\n" if secure else
                               b"250-mx\r\n250 STARTTLS\r\n")
            elif verb == b"STARTTLS":
                client.sendall(b"220 go\r\n")
                client = self.context.wrap_socket(client, server_side=True)
                secure, lines = True, client.makefile("rb")
            elif verb == b"DATA":
                client.sendall(b"354 go\r\n")
                text = b""
                while (line := lines.readline()) not in (b".\r\n", b""):
                    text += line
                self.mails.append((secure, text))
                client.sendall(b"250 taken\r\n")
            elif verb == b"QUIT":
                client.sendall(b"221 bye\r\n")
                return
            else:
                client.sendall(b"250 ok\r\n")


def bounding_set():
    """The capabilities that etc/moatd.service leaves to moatd."""
    line = next(line for line in UNIT.read_text().splitlines()
                if line.startswith("CapabilityBoundingSet="))
    names = line.split("=")[1].lower().replace("cap_", "+").split()
    return ["setpriv", "--bounding-set", ",".join(["-all", *names])]


class Sender:
    """World, a mail host of NAME, and a Postfix that asks moat and sends there.
    The policy does not permit the host, so the mail waits. moat is started by
    root with what its unit leaves to it, and its roles are of an ordinary
    user, for whom the main.cf of the system names the Postfix."""

    def __init__(self, stack, folder, release):
        self.world = World(stack, folder)
        ca = self.world.authority
        self.receiver = stack.enter_context(Receiver(ca.issue(NAME)))
        conf, system = folder / "mta" / "conf", folder / "etc-postfix"
        system.mkdir()
        (system / "main.cf").write_text(
            f"alternate_config_directories = {conf}\n")
        self.moat = self.world.moat(release_held=release, postfix_config=conf)
        self.moat.process.argv = with_mounts(
            {"/etc/postfix": system},
            [*bounding_set(), *self.moat.process.argv])
        stack.enter_context(self.moat)
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{HOST} {NAME}\n")
        self.postfix = stack.enter_context(Postfix(
            folder / "mta", [NAME], f"smtp:[{NAME}]:{self.receiver.port}",
            more=SLOW.format(ca=ca.file, host=HOST, port=self.world.port),
            hosts=hosts))

    def log(self, event):
        return self.moat.process.log_lines(event)

    def helper_status(self):
        """What /proc tells of the helper beside the role."""
        role, = self.moat.role_pids("policy")
        pid = subprocess.run(["ps", "-o", "pid=", "--ppid", str(role)],
                             capture_output=True, text=True,
                             check=True).stdout.strip()
        lines = Path("/proc", pid, "status").read_text().splitlines()
        return dict(line.split(":", 1) for line in lines)

    def send(self):
        self.postfix.send("a@client.example", f"x@{NAME}", MAIL)
        self.postfix.wait_log("status=deferred", WAIT_S)
        assert not self.receiver.mails

    def mend(self):
        """Another policy, under another id, that permits the host."""
        self.world.policies[NAME] = policy("moved", more=[f"mx: {NAME}"])
        self.world.set_record("moved", '_mta-sts.moved TXT "v=STSv1; id=2"\n')
        done = self.moat("cache", "refresh", NAME)
        assert done.returncode < 2, done.stdout

    def held(self):
        done = self.moat("held")
        return done.returncode, done.stdout, self.moat.json("held")["held"]


def test_held_mail_goes_when_the_policy_is_mended(stack, tmp_path):
    sender = Sender(stack, tmp_path, "yes")
    code, text, rows = sender.held()
    assert (code, rows) == (0, []) and "No mail waits" in text
    sender.send()
    code, text, rows = sender.held()
    assert code == 1
    assert [row["domain"] for row in rows] == [NAME]
    row = rows[0]
    assert row["recipients"] == 1 and row["since"] > 0 and row["remedy"]
    assert row["policy"]["mode"] == "enforce" and row["policy"]["id"] == "1"
    hop = f"[{NAME}]:{sender.receiver.port}"
    assert ("no-mx", hop) in [
        (t["reason"], t["next_hop"]) for t in row["trouble"]]
    assert f"(mail to {hop})" in text
    # One warning for what is wrong, and none that mail waits for it.
    assert len(sender.log(rf"policy\.no_mx .*{NAME}")) == 1
    assert not sender.log(r" warn +held\.")
    assert NAME in text and "1 recipient waits since" in text
    sender.mend()
    wait_until(lambda: sender.receiver.mails, WAIT_S, "the held mail")
    assert sender.receiver.mails[0][0], "in clear"
    assert sender.log(r"held\.trouble_over")
    wait_until(lambda: sender.log(r"held\.released .*messages=1"), WAIT_S,
               "the helper's word")
    wait_until(lambda: sender.held()[0] == 0, WAIT_S, "nothing to be held")


def test_the_helper_is_an_ordinary_user(stack, tmp_path):
    """So what the test above has seen needs no more rights than these."""
    status = Sender(stack, tmp_path, "yes").helper_status()
    assert set(status["Uid"].split()) == {
        str(pwd.getpwnam(ordinary_user()).pw_uid)}
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"].strip() == "0"
    unit = UNIT.read_text()
    # Each of these takes the right to run postqueue, or may imply what does.
    for word in ("\nNoNewPrivileges=", "\nUser=", "\nDynamicUser=",
                 "\nPrivateUsers="):
        assert word not in unit


def test_unasked_it_waits_for_postfix(stack, tmp_path):
    sender = Sender(stack, tmp_path, "no")
    sender.send()
    sender.mend()
    assert sender.log(r"held\.trouble_over")
    assert not sender.log(r"held\.release")
    code, _, rows = sender.held()
    assert code == 1 and rows[0]["policy"]["id"] == "2"
    assert not sender.receiver.mails


def queue_of(folder, domains):
    """A postqueue that has one message to each waiting for its mail host."""
    lines = [json.dumps({
        "queue_name": "deferred", "queue_id": f"Q{i}", "arrival_time": 1,
        "message_size": 1, "sender": "a@client.example", "recipients": [{
            "address": f"x@{name}", "delay_reason": "server unavailable or "
            "unable to receive mail"}]}) for i, name in enumerate(domains)]
    folder.mkdir()
    (folder / "queue").write_text("\n".join(lines) + "\n")
    program = folder / "postqueue"
    program.write_text(f"#!/bin/sh\ncat {folder}/queue\n")
    program.chmod(0o755)
    return folder


def test_a_long_queue_is_looked_through(stack, tmp_path):
    world, last = World(stack, tmp_path), domain("enforce")
    others = [f"d{i}.example" for i in range(20001)]
    moat = stack.enter_context(world.moat(
        {}, postfix_commands=queue_of(
            tmp_path / "commands", [*others[:450], last, *others[450:]])))
    assert moat("cache", "refresh", last).returncode == 0
    told = moat.json("held")
    assert [row["domain"] for row in told["held"]] == [last]
    assert told["passed_over"] == 2
    done = moat("held")
    assert done.returncode == 1
    assert "2 recipients of more than 20000 domains" in done.stdout


def test_the_doctor_of_this_machine(stack, tmp_path):
    sender = Sender(stack, tmp_path, "no")
    wait_until(lambda: sender.moat.json("status")["policy"]["dnssec"]
               == "good", WAIT_S, "the self-test")
    told = sender.moat.json("doctor")
    verdicts = {}
    for test in told["tests"]:
        verdicts.setdefault(test["id"], []).append(test["verdict"])
        assert (test["verdict"] == "good") == (test["remedy"] == "")
    for good in ("role.runs", "role.answers", "role.dnssec", "role.clock",
                 "machine.resolver", "postfix.version", "postfix.maps",
                 "postfix.profile", "postfix.trust", "postfix.log"):
        assert verdicts[good] == ["good"], good
    # Level may, with a profile that leaves DANE to Postfix.
    assert verdicts["postfix.level"] == ["warning"]
    assert told["verdict"] == ("warning" if "error" not in str(verdicts)
                               else "error")
    sender.moat.stop()
    done = sender.moat("doctor")
    assert done.returncode == 2
    assert "role.answers" in done.stdout and "refused" in done.stdout
