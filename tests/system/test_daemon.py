# SPDX-License-Identifier: Apache-2.0
"""The supervisor: every role crashes and comes back while the others keep
serving, no descriptor leaks into a role, stopping leaves nothing behind, and
hosting goes on with everything behind it gone."""

import json
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import time

import pytest

from harness.knot import Knot
from harness.moat import HOST, Moat, build_folder, ordinary_user
from harness.process import wait_until

ROLES = ["acme", "console", "digest", "dns", "edge", "imap", "keeper", "lmtp",
         "notify", "probe"]
BACK = ["acme", "console", "digest", "imap", "keeper", "notify", "probe"]
LOCAL = {"cert": {"source": "local-ca"},
         "server": {"roles": " ".join(ROLES)}}
CUSTOMER = "customer.example"
COME_BACK_S = 15
PUBLISH_S = 40


def names_of(moat):
    return json.loads((moat.run_dir / "status.json").read_text())["roles"]


def up(moat):
    return {r["role"]: r["pid"] for r in names_of(moat) if r["state"] == "up"}


def dns_answers(moat, name=None, kind="SOA"):
    done = subprocess.run(
        ["dig", f"@{HOST}", "-p", str(moat.dns), "+short", "+time=20",
         "+tries=1", name or "sts.example.net", kind],
        capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def edge_answers(moat):
    """Port 80 says 404 to what it does not know: it is alive."""
    with socket.create_connection((HOST, moat.http), 30) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return s.recv(100).startswith(b"HTTP/1.1 404")


def wait_serving(moat):
    """The first view is there within a second or so of the first start."""
    wait_until(lambda: dns_answers(moat) and edge_answers(moat), 10,
               "the view")


def fetch_policy(moat, host, ca):
    context = ssl.create_default_context(cadata=ca)
    with socket.create_connection((HOST, moat.https), 30) as raw:
        with context.wrap_socket(raw, server_hostname=host) as s:
            s.sendall(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: "
                      + host.encode() + b"\r\nConnection: close\r\n\r\n")
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return body.decode()


def test_each_role_comes_back_and_the_others_stay(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    wait_serving(moat)
    for role in ROLES:
        before = up(moat)
        assert sorted(before) == ROLES
        os.kill(before[role], signal.SIGKILL)
        if role != "dns":
            assert dns_answers(moat)
        if role != "edge":
            assert edge_answers(moat)
        wait_until(lambda: up(moat).get(role, before[role]) != before[role],
                   COME_BACK_S, f"{role} again")
        wait_serving(moat)
        after = up(moat)
        assert {r: after[r] for r in ROLES if r != role} \
            == {r: before[r] for r in ROLES if r != role}
    crashed = moat.process.log_lines(r"role\.crashed")
    assert len(crashed) == len(ROLES)
    assert all("signal KILL" in line for line in crashed)


def test_roles_hold_only_what_is_theirs(stack, tmp_path):
    """A descriptor of our own that moatd inherits reaches no role."""
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    conf = Moat(tmp_path / "moat", LOCAL)
    conf.write_conf()
    daemon = subprocess.Popen(
        [build_folder() / "src" / "daemon" / "moatd", "-c", conf.conf],
        pass_fds=[write_end], stderr=subprocess.DEVNULL)
    stack.callback(daemon.wait)
    stack.callback(daemon.terminate)
    os.close(write_end)
    wait_until(lambda: len(up(conf)) == len(ROLES), COME_BACK_S, "all up")
    listening = {}
    for role, pid in up(conf).items():
        if os.geteuid() != 0:
            break  # roles let nobody but root look
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            assert target != f"pipe:[{os.fstat(read_end).st_ino}]"
            listening.setdefault(target, set()).add(role)
    os.close(read_end)
    sockets = {what: who for what, who in listening.items()
               if what.startswith("socket:") and len(who) > 1}
    assert not sockets, sockets


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to see root go")
def test_privileges_are_gone(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    uid = pwd.getpwnam(ordinary_user()).pw_uid
    for role, pid in up(moat).items():
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f
                          if ":\t" in line)
        assert set(status["Uid"].split()) == {str(uid)}, role
        assert int(status["CapPrm"], 16) == 0, role
        assert status["NoNewPrivs"] == "1", role
        assert status["Seccomp"] == "2", role
        with open(f"/proc/{pid}/limits", encoding="ascii") as f:
            core = next(line for line in f if "core file" in line)
        assert core.split()[4:6] == ["0", "0"], role


@pytest.mark.parametrize("forward", ["no", "yes"])
def test_front_roles_reach_no_farther_than_they_must(stack, tmp_path, forward):
    """Taken over, edge and dns can read the view, not the database and keys;
    the edge writes only the spool and asks no admin socket; the probe, which
    talks to everybody, reads nothing of ours."""
    moat = stack.enter_context(Moat(tmp_path / "moat", {
        "server": {"roles": "dns edge keeper lmtp probe"},
        "console": {"forward": forward}}))

    def reach(role):
        [line] = moat.process.log_lines(f"role.sandboxed role={role} ")
        return line.split(" reads=")[1]

    unix = "unix" if forward == "yes" else '""'
    assert reach("edge") == (
        f"{moat.state}/view writes={moat.state}/spool connects={unix}")
    assert reach("lmtp") == (
        f'{moat.state}/view writes={moat.state}/spool connects=""')
    assert reach("dns") == f'{moat.state}/view writes="" connects=""'
    assert reach("keeper").startswith(f"{moat.state} writes={moat.state} ")
    assert reach("probe") == '"" writes="" connects=everywhere'


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make folders")
def test_a_folder_of_root_becomes_the_users(stack, tmp_path):
    """As a package or systemd makes it."""
    moat = Moat(tmp_path / "moat", LOCAL)
    moat.state.mkdir(parents=True)
    stack.enter_context(moat)
    wait_serving(moat)
    assert moat.state.owner() == ordinary_user()


@pytest.mark.skipif(os.geteuid() != 0, reason="we are no root to step down")
def test_an_ordinary_user_can_run_it(tmp_path):
    folder = tmp_path / "moat"
    moat = Moat(folder, LOCAL)
    moat.write_conf()
    user = pwd.getpwnam(ordinary_user())
    os.chown(folder, user.pw_uid, user.pw_gid)
    program = folder / "moatd"  # the build may lie where only root can look
    shutil.copy(build_folder() / "src" / "daemon" / "moatd", program)
    log = open(folder / "own.log", "wb")
    daemon = subprocess.Popen(
        [program, "-c", moat.conf],
        user=user.pw_uid, group=user.pw_gid, extra_groups=[], stderr=log)
    try:
        wait_until(lambda: len(up(moat)) == len(ROLES), COME_BACK_S, "all up")
        wait_serving(moat)
        assert (moat.state / "keys" / "seal.key").stat().st_mode & 0o077 == 0
    finally:
        daemon.terminate()
        daemon.wait(20)
        log.close()
    assert daemon.returncode == 0, (folder / "own.log").read_text()


def test_stopping_leaves_nothing_behind(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    pids = list(up(moat).values())
    assert moat.stop() == 0
    assert not list(moat.run_dir.iterdir())
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def test_roles_end_with_their_supervisor(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    pids = list(up(moat).values())
    os.kill(moat.process.pid, signal.SIGKILL)
    wait_until(lambda: not [pid for pid in pids
                            if os.path.exists(f"/proc/{pid}")], 15, "the end")
    moat.process.stop()
    moat.start()  # what the dead one left is no obstacle
    wait_serving(moat)


def test_a_second_one_is_refused(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    other = subprocess.run(
        [build_folder() / "src" / "daemon" / "moatd", "-c", moat.conf],
        capture_output=True, text=True, timeout=60, check=False)
    assert other.returncode == 1
    assert "another moatd already runs here" in other.stderr
    wait_serving(moat)


def test_settings_are_read_again(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    wait_serving(moat)
    before = up(moat)
    moat.conf.write_text(moat.conf.read_text() + "[dns]\nzoen = x\n")
    moat.process.signal(signal.SIGHUP)
    moat.process.wait_log(r"moatd\.reread_refused.*zoen")
    assert up(moat) == before and edge_answers(moat)
    moat.settings["dns"]["zone"] = "other.example.net"
    moat.write_conf()
    moat.process.signal(signal.SIGHUP)
    moat.process.wait_log(r"moatd\.reread$")
    wait_until(lambda: len(up(moat)) == len(ROLES)
               and not set(up(moat).values()) & set(before.values()),
               COME_BACK_S, "all anew")
    assert moat.json("status")["zone"] == "other.example.net"


def publish(stack, folder, settings=None):
    """moatd with a customer whose zone is served by a real Knot."""
    ours = Moat(folder / "moat", {**LOCAL, **(settings or {})})
    zone = folder / "knot"
    customer = stack.enter_context(Knot(zone, {CUSTOMER: ""}))
    stubs = f"{CUSTOMER}={HOST}:{customer.port} " \
            f"sts.example.net={HOST}:{ours.dns}"
    ours.settings["probe"]["stubs"] = stubs
    stack.enter_context(ours)
    added = ours.json("domain", "add", CUSTOMER, "--mx", f"mx1.{CUSTOMER}")
    records = "".join(f"{r['owner']}. {r['type']} {r['value']}.\n"
                      for r in added["records"] if not r["optional"])
    customer.set_zone(CUSTOMER, records)
    ours("domain", "recheck", CUSTOMER)
    wait_until(lambda: ours.json("domain", "show", CUSTOMER)["state"]
               == "testing", PUBLISH_S, "the policy is served")
    return ours, added["label"]


def test_a_long_list_is_one_document(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    assert moat.json("domain", "list") == {"domains": []}
    assert "No domains yet" in moat("domain", "list").stdout
    moat("domain", "add", "first.example", "--mx", "mx.first.example")
    with sqlite3.connect(moat.state / "moat.db", timeout=60) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(domain)")]
        own = {"name": "'d' || n || '.example'", "label": "'label' || n"}
        db.execute(
            "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k "
            f"WHERE n < 1100) INSERT INTO domain ({', '.join(columns)}) "
            f"SELECT {', '.join(own.get(c, c) for c in columns)} "
            "FROM domain, k")
    names = [d["name"] for d in moat.json("domain", "list")["domains"]]
    assert len(names) == len(set(names)) == 1101
    text = moat("domain", "list").stdout.splitlines()
    assert [line.split()[0] for line in text] == ["DOMAIN", *names]
    moat.stop()  # in the middle of looking at them all
    assert not moat.process.log_lines("role.killed")


def test_options_reach_policy_and_records(stack, tmp_path):
    """domain set changes what it is told to and nothing else."""
    moat, label = publish(stack, tmp_path,
                          {"report": {"host": "rua.example.net"}})
    ca = (moat.state / "local-ca.pem").read_text()
    assert moat("domain", "set", CUSTOMER).returncode == 64
    assert moat("domain", "set", CUSTOMER, "--rua-mail",
                "--no-rua-mail").returncode == 64
    done = moat("domain", "set", CUSTOMER, "--max-age", "86400",
                "--rua-extra", "https://r.example/In", "mailto:a@b.example")
    assert "keep the policy for 86400 seconds" in done.stdout
    assert "moat by mail, https://r.example/In, mailto:a@b.ex" in done.stdout
    wait_until(lambda: "max_age: 86400\r\n"
               in fetch_policy(moat, f"mta-sts.{CUSTOMER}", ca), 10,
               "the new max_age")
    name = f"_smtp._tls.{label}.sts.example.net"
    wait_until(lambda: "rua=mailto:" in dns_answers(moat, name, "TXT")
               and "r.example/In" in dns_answers(moat, name, "TXT"), 10,
               "the new TXT")
    set_to = moat.json("domain", "set", CUSTOMER, "--no-rua-mail")
    assert set_to["max_age"] == 86400 and len(set_to["rua_extra"]) == 2
    wait_until(lambda: '"v=TLSRPTv1; rua=https://r.example/In,'
               in dns_answers(moat, name, "TXT"), 10, "no mail to us")
    last = moat.json("audit", "--domain", CUSTOMER.upper(), "--limit", 1)
    assert [(row["action"], row["object"]) for row in last["audit"]] == [
        ("domain.options", CUSTOMER)]
    text = moat("audit").stdout
    assert "domain.add" in text and CUSTOMER in text and " UTC" in text
    assert moat("audit", "--domain", "no.example").stdout.startswith("Noth")
    certs = moat.json("status")["certificates"]
    assert certs["count"] >= 1 and certs["failing"] == 0
    assert certs["next_host"] and certs["next_not_after"] > time.time()
    text = moat("status").stdout
    assert f"first to expire is that of {certs['next_host']}, 20" in text
    assert "Orders: 0 queued, 0 failing" in text
    assert "no TLSRPT record" in moat("domain", "set", CUSTOMER,
                                      "--no-rua-extra").stdout
    wait_until(lambda: not dns_answers(moat, name, "TXT"), 10, "no TXT")


def test_hosting_outlives_what_is_behind_it(stack, tmp_path):
    """Promise 4: the database gone, every back role dead, and again after
    all front roles were restarted so."""
    moat, label = publish(stack, tmp_path)
    ca = (moat.state / "local-ca.pem").read_text()
    host = f"mta-sts.{CUSTOMER}"
    policy = wait_until(lambda: fetch_policy(moat, host, ca), 10, "the policy")
    txt = wait_until(lambda: dns_answers(
        moat, f"_mta-sts.{label}.sts.example.net", "TXT"), 10, "the TXT")
    assert "mode: testing" in policy and "v=STSv1" in txt

    away = tmp_path / "away"
    away.mkdir()
    for path in moat.state.glob("moat.db*"):
        shutil.move(path, away / path.name)
    (moat.state / "moat.db").mkdir()  # nobody makes a new one meanwhile
    for role in BACK:
        moat.kill_role(role, signal.SIGKILL)
    for _ in range(2):
        assert fetch_policy(moat, host, ca) == policy
        assert dns_answers(
            moat, f"_mta-sts.{label}.sts.example.net", "TXT") == txt
        fronts = {r: up(moat)[r] for r in ("edge", "dns")}
        for pid in fronts.values():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: all(up(moat).get(r, p) != p
                               for r, p in fronts.items()),
                   COME_BACK_S, "the front roles again")


def run_moatd(moat, *words):
    return subprocess.run(
        [build_folder() / "src" / "daemon" / "moatd", "-c", moat.conf, *words],
        capture_output=True, text=True, timeout=60, check=False)


def test_no_new_key_over_an_old_database(stack, tmp_path):
    """A new one would open nothing that the old one has sealed."""
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    wait_serving(moat)
    moat.stop()
    key = moat.state / "keys" / "seal.key"
    kept = key.read_bytes()
    key.unlink()
    refused = run_moatd(moat)
    assert refused.returncode == 1
    assert f"{key} is missing, but {moat.state}/moat.db" in refused.stderr
    assert "put the key back from your backup" in refused.stderr
    assert not key.exists()
    other = moat.folder / "other.key"
    moat.settings["server"]["seal_key"] = other
    moat.write_conf()
    refused = run_moatd(moat)
    assert refused.returncode == 1
    assert f"server.seal_key: there is no {other}" in refused.stderr
    assert not other.exists()
    del moat.settings["server"]["seal_key"]
    key.write_bytes(kept)
    key.chmod(0o644)
    moat.write_conf()
    refused = run_moatd(moat)
    assert refused.returncode == 1 and str(key) in refused.stderr


def test_settings_that_make_no_sense_are_refused(tmp_path):
    moat = Moat(tmp_path / "moat", LOCAL)
    moat.write_conf()
    assert run_moatd(moat, "--check-config").returncode == 0
    del moat.settings["dns"]["zone"]
    moat.settings["server"]["roles"] = "edge dns"
    moat.write_conf()
    for words in ["--check-config"], []:
        refused = run_moatd(moat, *words)
        assert refused.returncode == 1
        assert "moatd: error: dns.zone is empty" in refused.stderr
        assert "moatd: warning: report.host is empty" in refused.stderr
    assert not moat.state.exists()
