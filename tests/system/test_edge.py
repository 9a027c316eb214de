# SPDX-License-Identifier: Apache-2.0
"""The edge alone, over a view made for it: real clients, hostile ones, and
what becomes of reports when the machine fails."""

import concurrent.futures
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import raw
from harness.intake import Intake
from harness.process import Process, wait_until

POLICY_PATH = "/.well-known/mta-sts.txt"
POST_PATH = "/v1/tlsrpt/abcdefgh23456777"
UNRECOGNIZED_NAME = 112  # RFC 6066 section 9
KILL_ROUNDS = 12
KILL_ROUNDS_FULL = 200


class Edge(Intake):
    """moatd with the role edge over the view of tools/edge_state.c."""

    def __init__(self, folder, settings=None, state=None):
        super().__init__("edge", folder,
                         {"edge": {}, "report": {}},
                         settings, state)

    def bodies(self):
        """The reports in the spool."""
        return {f.read_bytes().split(b"\n\n", 1)[1] for f in self.files()}

    def curl(self, host, path, *options, port=None, scheme="https"):
        port = port or self.https
        return subprocess.run(
            ["curl", "-sS", "-i", "--max-time", "10", "--cacert", self.ca,
             "--resolve", f"{host}:{port}:127.0.0.1", *options,
             f"{scheme}://{host}:{port}{path}"],
            capture_output=True, timeout=60, check=False)

    def s_client(self, *options):
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.https}",
             "-CAfile", self.ca, *options], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False)

    def ask(self, host, request, **tls):
        with raw.tls(self.https, host, self.ca, **tls) as s:
            return raw.exchange(s, request)

    def serves(self, host="mta-sts.a.example"):
        """A policy, on a new connection."""
        return b" 200 OK" in self.ask(host, get(host))


def get(host, path=POLICY_PATH, more="Connection: close\r\n"):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def post(body, more="", path=POST_PATH):
    return (f"POST {path} HTTP/1.1\r\nHost: rua.example\r\n"
            f"Content-Type: application/tlsrpt+json\r\n"
            f"Content-Length: {len(body)}\r\n{more}\r\n").encode() + body


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer else None


@pytest.fixture
def edge(tmp_path):
    with Edge(tmp_path) as e:
        yield e


# ---- clients that mean well

def test_curl_gets_the_policy(edge):
    for versions in (["--tlsv1.3"], ["--tls-max", "1.2"], ["--http1.0"], []):
        got = edge.curl("mta-sts.a.example", POLICY_PATH, *versions)
        assert b"\r\n\r\n" in got.stdout, got
        head, body = got.stdout.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), got
        assert b"\r\nContent-Type: text/plain" in head
        assert b"\r\nCache-Control: no-cache" in head
        assert b"\r\nLocation:" not in head
        assert body == (b"version: STSv1\r\nmode: testing\r\n"
                        b"mx: mx.a.example\r\nmax_age: 86400\r\n")
    head = edge.curl("mta-sts.a.example", POLICY_PATH, "--head").stdout
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head


def test_several_requests_share_a_connection(edge):
    with raw.tls(edge.https, "mta-sts.a.example", edge.ca) as s:
        s.sendall(3 * get("mta-sts.a.example", more="")
                  + get("mta-sts.a.example"))
        assert raw.read_all(s).count(b"HTTP/1.1 200 OK\r\n") == 4


def test_only_our_names_and_versions_get_a_handshake(edge):
    good = edge.s_client("-servername", "mta-sts.a.example")
    assert "Verify return code: 0 (ok)" in good.stdout
    assert "BEGIN CERTIFICATE" in good.stdout
    for name in (["-servername", "mta-sts.c.example"], ["-noservername"],
                 ["-servername", "mta-sts.new.example"]):
        refused = edge.s_client(*name)
        assert f"alert number {UNRECOGNIZED_NAME}" in refused.stderr, name
        assert "BEGIN CERTIFICATE" not in refused.stdout, name
    old = edge.s_client("-servername", "mta-sts.a.example", "-tls1_1",
                        "-cipher", "ALL:@SECLEVEL=0")
    assert "BEGIN CERTIFICATE" not in old.stdout
    assert "alert protocol version" in old.stderr


def test_no_tickets_and_no_resumption(edge):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with raw.tls(edge.https, "mta-sts.a.example", edge.ca,
                     maximum=version) as s:
            assert b" 200 OK" in raw.exchange(s, get("mta-sts.a.example"))
            assert not s.session.has_ticket
    again = edge.s_client("-servername", "mta-sts.a.example", "-tls1_2",
                          "-reconnect").stdout
    assert "Reused," not in again


def test_challenges_are_answered_on_both_ports(edge):
    path = "/.well-known/acme-challenge/tok-1"
    got = edge.curl("mta-sts.a.example", path, port=edge.http, scheme="http")
    assert got.stdout.endswith(b"\r\n\r\ntok-1.thumbprint")
    for host, other in (("mta-sts.b.example", path),
                        ("mta-sts.a.example", POLICY_PATH),
                        ("mta-sts.a.example", "/")):
        got = edge.curl(host, other, port=edge.http, scheme="http")
        assert status(got.stdout) == 404, (host, other)
    alpn = edge.s_client("-servername", "mta-sts.a.example", "-alpn",
                         "acme-tls/1")
    assert "ALPN protocol: acme-tls/1" in alpn.stdout
    text = subprocess.run(["openssl", "x509", "-noout", "-text"],
                          input=alpn.stdout, capture_output=True, text=True,
                          check=True).stdout
    assert "1.3.6.1.5.5.7.1.31: critical" in text
    refused = edge.s_client("-servername", "mta-sts.b.example", "-alpn",
                            "acme-tls/1")
    assert f"alert number {UNRECOGNIZED_NAME}" in refused.stderr


def test_curl_posts_reports(edge):
    data = edge.folder / "report.gz"
    data.write_bytes(b"\x1f\x8b" + os.urandom(5000))
    for options in (["-H", "Content-Type: application/tlsrpt+gzip"],
                    ["-H", "Content-Type: application/tlsrpt+json",
                     "-H", "Transfer-Encoding: chunked"],
                    ["-H", "Content-Type: application/tlsrpt",
                     "-H", "Expect: 100-continue"]):
        got = edge.curl("rua.example", POST_PATH, *options, "--data-binary",
                        f"@{data}")
        assert b"HTTP/1.1 201 Created\r\n" in got.stdout, got
    assert len(edge.files()) == 3
    assert edge.bodies() == {data.read_bytes()}
    head = edge.files()[0].read_bytes().split(b"\n\n", 1)[0]
    assert b"\nid: abcdefgh23456777\n" in head
    assert b"\nremote: 127.0.0.1\n" in head


# ---- promise 5

def test_promise_5_no_name_shows_another_tenants_data(edge):
    a, b = b"mx.a.example", b"mx.b.example"
    own = edge.ask("mta-sts.a.example", get("mta-sts.a.example"))
    assert a in own and b not in own
    for host in ("mta-sts.b.example", "rua.example", "console.example",
                 "unknown.example", "127.0.0.1", "", "mta-sts.a.example."):
        answer = edge.ask("mta-sts.a.example", get(host))
        assert status(answer) == 404, host
        assert a not in answer and b not in answer
    absolute = get("mta-sts.a.example",
                   "https://mta-sts.b.example" + POLICY_PATH)
    assert status(edge.ask("mta-sts.a.example", absolute)) == 400
    for path in ("/", "/.well-known/", POLICY_PATH + "/", "//", POST_PATH,
                 "/.well-known/../.well-known/mta-sts.txt"):
        answer = edge.ask("mta-sts.a.example", get("mta-sts.a.example", path))
        assert status(answer) == 404, path


# ---- hostile clients

def test_smuggling_is_refused_and_ends_the_connection(edge):
    inner = get("rua.example", "/inner")
    for more in ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                 "Transfer-Encoding: chunked\r\n"
                 "Transfer-Encoding: identity\r\n",
                 "Transfer-Encoding: chunked \x0b\r\n",
                 "Content-Length: 5\r\nContent-Length: 6\r\n",
                 "X: y\r\n Content-Length: 5\r\n",
                 "Transfer-Encoding : chunked\r\n"):
        request = (f"POST {POST_PATH} HTTP/1.1\r\nHost: rua.example\r\n"
                   f"Content-Type: application/json\r\n{more}\r\n0\r\n\r\n")
        answer = edge.ask("rua.example", request.encode() + inner)
        assert status(answer) in (400, 501), more
        assert answer.count(b"HTTP/1.1 ") == 1, more
    assert edge.files() == []


def test_a_refused_body_is_never_read_as_a_request(edge):
    inner = get("mta-sts.a.example")
    for path in (POLICY_PATH, "/"):
        answer = edge.ask("mta-sts.a.example", (
            f"POST {path} HTTP/1.1\r\nHost: mta-sts.a.example\r\n"
            f"Content-Length: {len(inner)}\r\n\r\n").encode() + inner)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert status(answer) in (404, 405)


def test_header_flood_gets_431(edge):
    flood = b"".join(b"X-%d: %s\r\n" % (i, b"a" * 90) for i in range(1000))
    answer = edge.ask("mta-sts.a.example", b"GET / HTTP/1.1\r\n" + flood)
    assert status(answer) == 431
    with raw.tls(edge.https, "mta-sts.a.example", edge.ca) as s:
        assert status(raw.exchange(
            s, b"GET / HTTP/1.1\r\nX: " + b"a" * 100000)) == 431


def test_slow_clients_cost_others_nothing(tmp_path):
    settings = {"edge": {"head_time": 12, "idle_time": 12, "body_time": 12}}
    with Edge(tmp_path, settings) as edge:
        quiet = [raw.tcp(edge.https) for _ in range(50)]
        slow = [raw.tls(edge.https, "mta-sts.a.example", edge.ca)
                for _ in range(30)]
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            drips = [pool.submit(raw.drip, s, get("mta-sts.a.example"), 0.2)
                     for s in slow]
            assert all(edge.serves() for _ in range(10))
            # had it waited for one of them, that one would be gone
            assert not any(d.done() for d in drips)
            sent = [d.result() for d in drips]
        assert all(n < len(get("mta-sts.a.example")) for n in sent)
        for s in quiet:
            assert raw.read_all(s) == b""
        for s in quiet + slow:
            s.close()


def test_a_slow_body_gets_408(tmp_path):
    with Edge(tmp_path, {"edge": {"body_time": 1}}) as edge:
        with raw.tls(edge.https, "rua.example", edge.ca) as s:
            s.sendall(post(b"x" * 100)[:-50])
            assert status(raw.read_all(s)) == 408
        assert edge.files("tmp") == [] and edge.files() == []


def hello_to(port, name, context):
    """A ClientHello for name; gives what comes back."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    with raw.tcp(port) as s:
        return raw.exchange(s, outgoing.read())


def test_a_flood_of_random_names_is_cheap_and_harmless(edge):
    before = memory_kib(edge.pid)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for _ in range(300):
        name = f"{random.randrange(1 << 60):x}.example"
        alert = hello_to(edge.https, name, context)
        assert alert[0] == 21 and alert[6] == UNRECOGNIZED_NAME
    assert edge.serves()
    assert memory_kib(edge.pid) - before < 4096


def memory_kib(pid):
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


def test_what_lies_beside_the_view_is_out_of_reach(stack, tmp_path):
    """Landlock, from inside: where its path of the view leads to the place of
    the database, the edge is refused, though its user may read what is there;
    the same bytes in the folder of the view are served."""
    edge = stack.enter_context(
        Edge(tmp_path, {"server": {"log_level": "debug"}}))
    if not edge.process.log_lines("role.sandboxed role=edge .*landlock"):
        return  # this kernel has none
    view = edge.state / "view" / "view.mdb"
    database, link = edge.state / "moat.db", edge.state / "view" / "link"
    shutil.copyfile(view, database)
    database.chmod(0o644)
    assert edge.serves()
    link.symlink_to(database)
    link.replace(view)
    wait_until(lambda: try_policy(edge) is None, 10, "the refusal")
    assert edge.process.log_lines("view.unusable .*view.mdb")
    shutil.copyfile(database, link)
    link.chmod(0o644)
    link.replace(view)
    wait_until(lambda: try_policy(edge), 10, "the view to be usable")


def try_policy(edge):
    """None while no certificate can be looked up."""
    try:
        return edge.ask("mta-sts.a.example", get("mta-sts.a.example"))
    except (ssl.SSLError, ConnectionError):
        return None


def test_few_descriptors_are_survived(tmp_path):
    edge = Edge(tmp_path)
    edge.process.argv = ["prlimit", "--nofile=64:64", *edge.process.argv]
    with edge:
        pid = edge.pid
        held = [raw.tcp(edge.https) for _ in range(100)]
        wait_until(lambda: "listener.waits" in edge.process.log_text(), 5,
                   "the listener to wait")
        ticks = cpu_ticks(pid)
        time.sleep(1)
        assert cpu_ticks(pid) - ticks < 30, "it spins"
        for s in held:
            s.close()
        assert edge.serves()
        assert edge.pid == pid


def cpu_ticks(pid):
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    fields = stat.rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_one_address_cannot_take_all_places(tmp_path):
    settings = {"edge": {"connections": 100, "connections_per_address": 10}}
    with Edge(tmp_path, settings) as edge:
        held = [raw.tcp(edge.https) for _ in range(20)]
        for s in held:
            s.setblocking(False)
        wait_until(lambda: sum(map(is_closed, held)) >= 10, 10, "the refusals")
        assert sum(map(is_closed, held)) == 10
        for s in held:
            s.close()
        wait_until(edge.serves, 5, "room again")


def is_closed(s):
    """Has the peer closed this socket, which never blocks?"""
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_descriptors_do_not_leak(edge):
    pid = edge.pid
    assert edge.serves()
    before = len(os.listdir(f"/proc/{pid}/fd"))
    for i in range(200):
        with raw.tcp(edge.https) as s:
            s.sendall(os.urandom(i))
    edge.ask("rua.example", post(b"x", "Connection: close\r\n"))
    wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= before, 5,
               "descriptors to be closed")
    assert edge.pid == pid


# ---- the console

class Console(threading.Thread):
    """Answers each connection on a unix socket with a fixed text and keeps
    what was asked."""

    def __init__(self, path, answer):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        os.chmod(path, 0o777)
        self.socket.listen()
        self.answer = answer
        self.asked = []

    def run(self):
        while True:
            s, _ = self.socket.accept()
            with s:
                self.asked.append(s.recv(65536))
                s.sendall(self.answer)


def test_the_consoles_host_is_forwarded_when_asked_for(tmp_path):
    with Edge(tmp_path, {"console": {"forward": "yes"}}) as edge:
        refused = edge.ask("console.example", get("console.example", "/api"))
        assert status(refused) == 502
        console = Console(edge.run_dir / "admin.sock",
                          b"HTTP/1.1 201 Made\r\nContent-Type: a/b\r\n"
                          b"Set-Cookie: x=y\r\nTransfer-Encoding: chunked\r\n"
                          b"\r\n5\r\nhello\r\n0\r\n\r\n")
        console.start()
        answer = edge.ask("console.example", (
            "POST /api?x=y HTTP/1.1\r\nHost: console.example\r\n"
            "X-Forwarded-For: 8.8.8.8\r\nCookie: c=d\r\n"
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            "3\r\nabc\r\n0\r\n\r\n").encode())
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 201 ") and body == b"hello"
        assert b"\r\nSet-Cookie: x=y" in head
        assert b"chunked" not in head
        asked = console.asked[0]
        assert asked.startswith(b"POST /api?x=y HTTP/1.1\r\n")
        assert b"\r\nX-Forwarded-For: 127.0.0.1\r\n" in asked
        assert b"8.8.8.8" not in asked and b"\r\nCookie: c=d\r\n" in asked
        assert asked.endswith(b"\r\nContent-Length: 3\r\n\r\nabc")
        # no other name leads there
        assert status(edge.ask("rua.example", get("console.example"))) == 404


# ---- promise 3: what was acknowledged is there

def test_promise_3_the_order_of_syncs(edge, tmp_path):
    trace = tmp_path / "trace"
    pid = edge.pid
    with Process(["strace", "-f", "-y", "-s", "64", "-o", trace, "-p", pid,
                  "-e", "trace=write,fsync,renameat,renameat2,sendto"],
                 tmp_path, "strace") as p:
        p.wait_log("attached")
        answer = edge.ask("rua.example",
                          post(b"the-report", "Connection: close\r\n"))
        assert status(answer) == 201
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    steps = [r"write\(\d+<.*/spool/tmp/", r"fsync\(\d+<.*/spool/tmp/",
             r"renameat2?\(\d+<.*/spool/tmp>.*/spool/new>",
             r"fsync\(\d+<.*/spool/new>\)", r"sendto\(\d+<(socket|TCP)"]
    at = -1
    for step in steps:
        found = [i for i, line in enumerate(lines)
                 if i > at and re.search(step, line)]
        assert found, f"{step} is missing in\n" + "\n".join(lines)
        at = found[0]
    before = "\n".join(lines[:at])
    assert before.count("fsync(") == 2


def post_until_dead(edge, sent, stop, acknowledged):
    """Posts one report after the other; notes those that got 201."""
    while not stop.is_set():
        body = f"report {next(sent)} ".encode() + b"x" * random.randrange(9000)
        try:
            with raw.tls(edge.https, "rua.example", edge.ca) as s:
                s.sendall(post(body))
                if b"HTTP/1.1 201 " in s.recv(4096):
                    acknowledged.append(body)
        except OSError:
            time.sleep(0.01)


def counter():
    n = 0
    while True:
        n += 1
        yield n


def test_promise_3_kill_at_any_instant(tmp_path, full):
    settings = {"report": {"per_id": 1000000, "per_address": 1000000}}
    rounds = KILL_ROUNDS_FULL if full else KILL_ROUNDS
    stop, acknowledged = threading.Event(), []
    edge = Edge(tmp_path, settings).start()

    def wait_for_more():
        before = len(acknowledged)
        wait_until(lambda: len(acknowledged) > before, 20, "a 201")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        try:
            posts = [pool.submit(post_until_dead, edge, counter_of(i), stop,
                                 acknowledged) for i in range(4)]
            for _ in range(rounds):
                wait_for_more()
                time.sleep(random.uniform(0.02, 0.3))
                os.kill(edge.pid, signal.SIGKILL)
                edge.stop()  # the supervisor would wait longer each time
                edge.start()
            wait_for_more()
        finally:
            stop.set()
        for p in posts:
            p.result()
    edge.stop()
    stored = edge.bodies()
    assert [body[:20] for body in acknowledged if body not in stored] == []
    for f in edge.files():
        assert f.read_bytes().startswith(b"moat-spool 1\n")
    # what was half-written is gone after the next start
    with edge:
        assert edge.files("tmp") == []


def counter_of(thread):
    """Numbers that no other thread uses."""
    return (f"{thread}-{n}" for n in counter())


def test_promise_3_a_full_disk_refuses_and_loses_nothing(tmp_path, small_disk):
    with Edge(tmp_path / "edge", {"report": {"max_size": 1000000}},
              state=small_disk / "state") as edge:
        bodies = [f"{i} ".encode() + os.urandom(60000) for i in range(20)]
        answers = [status(edge.ask("rua.example",
                                   post(b, "Connection: close\r\n")))
                   for b in bodies]
        taken = {b for b, a in zip(bodies, answers) if a == 201}
        assert set(answers) == {201, 507}
        assert edge.bodies() == taken
        assert edge.files("tmp") == []
        # policies go on, and so do reports once there is room
        assert edge.serves()
        for f in edge.files():
            f.unlink()
        again = edge.ask("rua.example", post(b"x", "Connection: close\r\n"))
        assert status(again) == 201


def test_a_broken_spool_is_an_error_not_a_crash(edge):
    pid = edge.pid
    shutil.rmtree(edge.state / "spool")
    answer = edge.ask("rua.example", post(b"x", "Connection: close\r\n"))
    assert status(answer) == 503
    assert edge.serves()
    assert edge.pid == pid
