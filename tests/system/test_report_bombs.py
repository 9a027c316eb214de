# SPDX-License-Identifier: Apache-2.0
"""What is small and wants to be large, or to take long: each ends in an error
that is listed, within a second of work and 64 MB."""

import gzip
import io
import json
import os
import resource
import socket
import sqlite3
import subprocess
import time
import zipfile

import pytest

from harness.moat import Moat, daemon, program
from harness.process import wait_until

CPU_S_MAX = 1.0
MEMORY_MAX = 64 << 20
WAIT_S = 120
HEAD = ("moat-spool 1\nsource: import\nreceived: {}\nid: \nremote: \n"
        "content-type: \n\n")


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX, MEMORY_MAX))


def packed(data, level=9):
    return gzip.compress(data, level)


def zip_of(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("report.json", data)
    return out.getvalue()


def nested(inner, times):
    return b"From: a@b\r\n" + inner * times + b"From: a@b\r\n\r\n{}"


def parts_in_parts(times):
    return b"From: a@b\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
        % (i, i) for i in range(times)) + b"\r\n{}"


def keys(number):
    return b"{" + b",".join(b'"b%d":1' % i for i in range(number)) + b"}"


BOMBS = {
    "gzip 1:1000": (
        lambda: packed(b'{"policies":[' + b" " * (200 << 20)), "200 times"),
    "gzip of many members": (
        lambda: packed(b" " * 100000) * 2000, "200 times"),
    "gzip of gzip": (
        lambda: packed(packed(b" " * (200 << 20))), "200 times"),
    "zip 1:1000": (lambda: zip_of(b" " * (200 << 20)), "unpacks to more"),
    "10 million keys": (
        lambda: packed(b"{" + b'"b":1,' * 10_000_000 + b'"c":1}'),
        "200 times"),
    "10 million keys as they are": (
        lambda: keys(10_000_000)[:24 << 20], "longer than 16777216 bytes"),
    "as many keys as may come": (
        lambda: packed(keys(1_300_000)), "too many values"),
    "arrays nested 1,000 deep": (lambda: b"[" * 1000, "nested too deeply"),
    "objects nested a million deep": (
        lambda: b'{"policies":' * 1_000_000, "nested too deeply"),
    "mails nested 1,000 deep": (
        lambda: nested(b"Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\n",
                       1000), "nested too deeply"),
    "parts nested 1,000 deep": (
        lambda: parts_in_parts(1000), "nested too deeply"),
    "half a million parts": (
        lambda: b"From: a@b\r\nContent-Type: multipart/mixed; boundary=b"
        b"\r\n\r\n" + b"--b\r\n\r\n{\r\n" * 500_000, "too many parts"),
    "half a million header fields": (
        lambda: b"X: y\r\n" * 500_000 + b"\r\n{}", "too many header fields"),
    "100,000 signatures": (
        lambda: b"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; "
        b"h=from; bh=AAAA; b=AAAA\r\n" * 100_000 + b"\r\n{}",
        "too many header fields"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little(name, tmp_path):
    make, reason = BOMBS[name]
    bomb = tmp_path / "bomb"
    bomb.write_bytes(make())
    with subprocess.Popen([program(), "report", "show", bomb],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE,
                          preexec_fn=limit_memory) as p:
        said = p.stderr.read().decode()
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    assert p.returncode == 3 and reason in said, said
    assert used.ru_utime + used.ru_stime < CPU_S_MAX


def netstring(data):
    return b"%d:%s," % (len(data), data)


def read_netstring(stream):
    digits = b""
    while not digits.endswith(b":"):
        digits += stream.read(1)
    content = stream.read(int(digits[:-1]))
    assert stream.read(1) == b","
    return content


@pytest.fixture(name="starter", scope="module")
def a_starter():
    """The process that digest starts, and has its children started by."""
    control, its = socket.socketpair()
    control.settimeout(WAIT_S)
    with control, subprocess.Popen([daemon(), "--role", "digest-child"],
                                   stdin=its,
                                   preexec_fn=limit_memory) as process:
        its.close()
        with control.makefile("rb") as answers:
            assert read_netstring(answers) == b"ready"

            def start(fd):
                socket.send_fds(control, [b"x"], [fd])
                return int(read_netstring(answers))
            yield start
        control.shutdown(socket.SHUT_RDWR)
        assert process.wait(WAIT_S) == 0


@pytest.mark.parametrize("name", BOMBS)
def test_it_costs_the_child_little(name, starter):
    """In its sandbox, told as digest does."""
    make, reason = BOMBS[name]
    ours, its = socket.socketpair()
    ours.settimeout(WAIT_S)
    with ours, its:
        pid = starter(its.fileno())
        its.close()
        with ours.makefile("rb") as answers:
            assert read_netstring(answers) == b"ready"
            ours.sendall(netstring(b"1") + netstring(b"1700000000")
                         + netstring(make()))
            said = json.loads(read_netstring(answers))
    _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert said["status"] in ("invalid", "limit") and reason in said["error"]
    assert used.ru_utime + used.ru_stime < CPU_S_MAX


def test_bombs_are_listed(stack, tmp_path):
    """In the sandboxed child, one after the other, and a report after all."""
    moat = stack.enter_context(
        Moat(tmp_path / "moat", {"server": {"roles": "digest"}}))
    spool = moat.state / "spool"
    now = int(time.time())
    good = (b'{"organization-name":"X","report-id":"1","policies":[{"policy":'
            b'{"policy-type":"sts","policy-domain":"y.example"},'
            b'"summary":{}}]}')
    bodies = [make() for make, _ in BOMBS.values()] + [good]
    for i, body in enumerate(bodies):
        name = f"{now:012x}-{i:016x}.import"
        (spool / "tmp" / name).write_bytes(HEAD.format(now).encode() + body)
        (spool / "tmp" / name).chmod(0o644)
        (spool / "tmp" / name).rename(spool / "new" / name)
    wait_until(lambda: not os.listdir(spool / "new"), WAIT_S,
               "all to be read")
    with sqlite3.connect(f"file:{moat.state}/moat.db?mode=ro",
                         uri=True) as db:
        reasons = [row[0] for row in db.execute(
            "SELECT reason FROM bad_report ORDER BY name")]
        assert db.execute("SELECT count(*) FROM report").fetchall() == [(1,)]
    assert len(reasons) == len(BOMBS)
    for (_, want), said in zip(BOMBS.values(), reasons):
        assert want in said, (want, said)
