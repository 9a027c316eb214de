# SPDX-License-Identifier: Apache-2.0
"""The role lmtp alone, over a view made for it: mail servers that mean well,
hostile clients, and what becomes of report mail when the machine fails."""

import concurrent.futures
import os
import random
import re
import shutil
import signal
import smtplib
import socket
import threading
import time

import pytest

from harness import raw
from harness.intake import Intake
from harness.moat import HOST
from harness.process import Process, wait_until

LABEL = "abcdefgh23456777"
TO = f"{LABEL}@rua.example"
FROM = "tls@sender.example"
KILL_ROUNDS = 12
KILL_ROUNDS_FULL = 500


class Lmtp(Intake):
    """moatd with the role lmtp over the view of tools/edge_state.c."""

    def __init__(self, folder, settings=None, state=None):
        super().__init__("lmtp", folder,
                         {"report": {"host": "rua.example"}, "lmtp": {}},
                         settings, state)

    def reports(self):
        """What is in the spool, as (head, body)."""
        return [tuple(f.read_bytes().split(b"\n\n", 1)) for f in self.files()]

    def bodies(self):
        return {body for _, body in self.reports()}

    def client(self, timeout_s=30):
        return Client(self.lmtp, timeout_s)

    def send(self, body, *to, sender=FROM):
        """One message; the code for each recipient."""
        with self.client() as c:
            return c.message(sender, to or [TO], body)

    def talk(self, data):
        """Bytes as they are; all that is said until it hangs up."""
        with raw.tcp(self.lmtp) as s:
            return raw.exchange(s, data)


class Client(smtplib.LMTP):
    """smtplib asks for one reply after DATA; LMTP gives one each."""

    def __init__(self, port, timeout_s):
        super().__init__(HOST, port, local_hostname="client.example")
        self.sock.settimeout(timeout_s)

    def message(self, sender, to, body):
        self.ehlo_or_helo_if_needed()
        codes = [self.mail(sender)[0]]
        if codes[0] != 250:
            return codes
        codes = [self.rcpt(one)[0] for one in to]
        if 250 not in codes:
            return codes
        code = self.docmd("DATA")[0]
        if code != 354:
            return [code if c == 250 else c for c in codes]
        stuffed = re.sub(rb"(?m)^\.", b"..", body)
        self.send(stuffed + b".\r\n")
        return [self.getreply()[0] if c == 250 else c for c in codes]


def mail(text="x"):
    return f"From: {FROM}\r\nSubject: {text}\r\n\r\n{text}\r\n".encode()


@pytest.fixture
def lmtp(tmp_path):
    with Lmtp(tmp_path, {"lmtp": {
            "mailboxes": "Reports@my.example other@my.example=acme"}}) as s:
        yield s


def test_a_mail_goes_into_the_spool_as_it_came(lmtp):
    body = b"From: a@b\r\n\r\n.dots\r\n..\r\n\xff\r\n"
    assert lmtp.send(body) == [250]
    [(head, stored)] = lmtp.reports()
    assert stored == body
    lines = head.decode().splitlines()
    assert lines[:2] == ["moat-spool 1", "source: mail"]
    assert f"id: {LABEL}" in lines and f"remote: {FROM}" in lines
    assert "content-type: message/rfc822" in lines


def test_who_has_an_address(lmtp):
    upper = f"{LABEL.upper()}+any@RUA.example"
    assert lmtp.send(mail(), upper) == [250]
    assert lmtp.send(mail(), "aaaaaaaaaaaaaaaa@rua.example") == [550]
    assert lmtp.send(mail(), f"{LABEL}@other.example") == [550]
    assert lmtp.send(mail(), "postmaster") == [550]
    assert lmtp.send(mail(), "reports+x@MY.example", "x@y.example",
                     "other@my.example", sender="") == [250, 550, 250]
    ids = {re.search(rb"\nid: (.*)", head).group(1)
           for head, _ in lmtp.reports()}
    assert ids == {LABEL.encode(), b"@default", b"@acme"}


def test_addresses_in_utf8(tmp_path):
    """RFC 6531: ours by A-labels; others are nobody's, and without SMTPUTF8
    none is taken."""
    with Lmtp(tmp_path, {"report": {"host": "xn--ra-xka.example"},
                         "lmtp": {"mailboxes": "grüße@my.example"}}) as lmtp:
        said = lmtp.talk(
            f"LHLO x\r\nMAIL FROM:<jö@bücher.example> SMTPUTF8\r\n"
            f"RCPT TO:<{LABEL}@rüa.example>\r\n"
            f"RCPT TO:<{LABEL}@rüb.example>\r\n"
            "RCPT TO:<grüße@my.example>\r\n"
            "DATA\r\na: ü\r\n\r\n.\r\n"
            "MAIL FROM:<jö@bücher.example>\r\nQUIT\r\n".encode())
        codes = [line[:3] for line in said.splitlines()
                 if line[3:4] != b"-"]
        assert codes == [b"220", b"250", b"250", b"250", b"550", b"250",
                         b"354", b"250", b"250", b"550", b"221"]
        assert b"\r\n550 5.1.1 nobody takes reports there\r\n" in said
        assert b"\r\n550 5.6.7 " in said
        heads = [head for head, _ in lmtp.reports()]
        assert len(heads) == 2
        assert all("remote: jö@bücher.example".encode() in h for h in heads)


def test_the_unix_socket(lmtp):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(lmtp.run_dir / "lmtp.sock"))
        said = raw.exchange(s, (
            f"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{TO}>\r\nDATA\r\n"
            "a: b\r\n\r\n.\r\nQUIT\r\n").encode())
    assert said.startswith(b"220 rua.example LMTP\r\n250-rua.example\r\n")
    assert said.endswith(b"250 2.0.0 the report is taken\r\n221 2.0.0 bye\r\n")
    assert lmtp.bodies() == {b"a: b\r\n\r\n"}


def test_nothing_is_smuggled(lmtp):
    """What is no CR LF . CR LF ends no message, whatever others think."""
    start = f"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{TO}>\r\nDATA\r\n"
    ends = ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r\n.\n", "\r.\r\n"]
    for end in ends:
        said = lmtp.talk(
            (f"{start}a{end}MAIL FROM:<evil@x>\r\nRCPT TO:<{TO}>\r\nDATA\r\n"
             "b\r\n.\r\nQUIT\r\n").encode())
        assert said.count(b"354 ") == 1 and said.count(b"250 2.0.0 the") == 1
    assert len(lmtp.files()) == len(ends)
    # A client that did not wait for the refusal of DATA.
    said = lmtp.talk(
        b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<x@y>\r\nDATA\r\nRSET\r\n"
        + start[8:].encode() + b"b\r\n.\r\n")
    assert b"\r\n421 4.7.0 " in said and b"354 " not in said


def test_caps(tmp_path):
    with Lmtp(tmp_path,
              {"report": {"max_size": "10000", "per_id": "3"}}) as lmtp:
        assert lmtp.send(b"x" * 99 + b"\r\n" * 5000) == [552]
        with lmtp.client() as c:
            c.ehlo()
            assert c.mail(FROM, ["SIZE=10001"])[0] == 552
        assert not lmtp.files()
        assert [lmtp.send(mail())[0] for _ in range(4)] == [
            250, 250, 452, 452]


def test_slow_ones_are_told_and_lose_their_place(tmp_path):
    with Lmtp(tmp_path, {"lmtp": {"command_time": "1s",
                                  "message_time": "1s"}}) as lmtp:
        assert lmtp.talk(b"LHLO x").endswith(b"421 4.4.2 it took too long\r\n")
        said = lmtp.talk(b"LHLO x\r\nMAIL FROM:<>\r\n")
        assert said.endswith(b"421 4.4.2 it took too long\r\n")


def forwarded(client, count):
    """Sessions in which our mail server says from where it has a mail."""
    xforward = f"XFORWARD ADDR={client}\r\n" if client else ""
    return "LHLO x\r\n" + count * (
        f"{xforward}MAIL FROM:<tls@google.example>\r\nRCPT TO:<{TO}>\r\n"
        "DATA\r\nx\r\n.\r\n") + "QUIT\r\n"


def test_a_stranger_uses_up_nobodys_share(tmp_path):
    """By where he comes from, whatever he calls himself: a quarter of the
    recipient's hour; the others' are left."""
    with Lmtp(tmp_path, {"report": {"per_id": "12"}}) as lmtp:

        def taken(client, count=1):
            said = lmtp.talk(forwarded(client, count).encode())
            return said.count(b"250 2.0.0 the report is taken")

        assert taken("192.0.2.66", 3) == 3
        assert taken("192.0.2.66") == 0
        assert taken("192.0.2.7") == 1
        assert taken("IPV6:2001:db8::1", 3) == 3
        assert taken("IPV6:2001:db8::2") == 0  # the same network
        assert taken("IPV6:2001:db8:1::1") == 1
        # Without it nobody is told apart, by no name that he gives himself.
        assert taken("[UNAVAILABLE]") == 1
        assert taken("", 3) == 3
        assert taken("") == 0
        assert len(lmtp.process.log_lines("report.quota .*whose=share")) == 2


def test_a_browser_gets_nowhere(lmtp):
    said = lmtp.talk(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nLHLO x\r\n")
    assert said.count(b"\r\n") == 2 and b"421 4.7.0 this is LMTP" in said


# ---- promise 3: what was acknowledged is there

def test_promise_3_the_order_of_syncs(lmtp, tmp_path):
    trace = tmp_path / "trace"
    with Process(["strace", "-f", "-y", "-s", "64", "-o", trace, "-p",
                  lmtp.pid, "-e",
                  "trace=write,fsync,renameat,renameat2,sendto"],
                 tmp_path, "strace") as p:
        p.wait_log("attached")
        assert lmtp.send(mail()) == [250]
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    at = -1
    for step in [r"write\(\d+<.*/spool/tmp/", r"fsync\(\d+<.*/spool/tmp/",
                 r"renameat2?\(\d+<.*/spool/tmp>.*/spool/new>",
                 r"fsync\(\d+<.*/spool/new>\)", r"sendto\(.*report is taken"]:
        found = [i for i, line in enumerate(lines)
                 if i > at and re.search(step, line)]
        assert found, f"{step} is missing in\n" + "\n".join(lines)
        at = found[0]


def send_until_dead(lmtp, name, stop, acknowledged):
    """Sends one mail after the other; notes those that got 250."""
    n = 0
    while not stop.is_set():
        try:
            with lmtp.client() as c:
                while not stop.is_set():
                    n += 1
                    body = mail(f"{name}-{n} " + "x" * random.randrange(900))
                    if c.message(FROM, [TO], body) == [250]:
                        acknowledged.append(body)
        except (OSError, smtplib.SMTPException):
            time.sleep(0.01)


def test_promise_3_kill_at_any_instant(tmp_path, full):
    rounds = KILL_ROUNDS_FULL if full else KILL_ROUNDS
    stop, acknowledged = threading.Event(), []
    lmtp = Lmtp(tmp_path, {"report": {"per_id": 1000000, "backlog": 1000000},
                           "lmtp": {"per_client": 1000000}}).start()

    def wait_for_more():
        before = len(acknowledged)
        wait_until(lambda: len(acknowledged) > before, 20, "a 250")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        try:
            sent = [pool.submit(send_until_dead, lmtp, i, stop, acknowledged)
                    for i in range(4)]
            for _ in range(rounds):
                wait_for_more()
                time.sleep(random.uniform(0.02, 0.2))
                os.kill(lmtp.pid, signal.SIGKILL)
                lmtp.stop()  # the supervisor would wait longer each time
                lmtp.start()
            wait_for_more()
        finally:
            stop.set()
        for s in sent:
            s.result()
    lmtp.stop()
    stored = lmtp.bodies()
    assert [body[:60] for body in acknowledged if body not in stored] == []
    for f in lmtp.files():
        assert f.read_bytes().startswith(b"moat-spool 1\n")
    with lmtp:  # what was half-written is gone after the next start
        assert lmtp.files("tmp") == []


def test_promise_3_a_full_disk_refuses_and_loses_nothing(tmp_path, small_disk):
    with Lmtp(tmp_path / "lmtp", state=small_disk / "state") as lmtp:
        bodies = [mail(f"{i} " + "x" * 60000) for i in range(20)]
        codes = [lmtp.send(b)[0] for b in bodies]
        assert set(codes) == {250, 452}
        assert lmtp.bodies() == {b for b, c in zip(bodies, codes) if c == 250}
        assert lmtp.files("tmp") == []
        for f in lmtp.files():
            f.unlink()
        assert lmtp.send(mail()) == [250]


def test_a_broken_spool_is_an_error_not_a_crash(lmtp):
    pid = lmtp.pid
    shutil.rmtree(lmtp.state / "spool")
    assert lmtp.send(mail()) == [451]
    assert lmtp.pid == pid
