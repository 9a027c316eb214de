# SPDX-License-Identifier: Apache-2.0
"""The role policy as an operator and a mail server see it: Postfix's own
postmap asks, Unbound resolves, policy hosts are real HTTPS servers."""

import grp
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from harness.knot import Knot
from harness.moat import HOST, Moat, program
from harness.policy_host import Authority, PolicyHost, answer
from harness.ports import free_port
from harness.process import wait_until, with_mounts
from harness.unbound import Unbound

SIGNED = "signed.example"
ZONE = "world.example"
# A mail server with TLSA records in a signed zone.
DANE = f"""
@ A 127.0.0.1
@ MX 10 mx
mx A 127.0.0.1
_25._tcp.mx TLSA 3 1 1 {"ab" * 32}
"""
DOMAINS = ("enforce", "testing", "none", "absent", "hostile", "moved", "wild")
RECORDS = "".join(f"""
{name} MX 10 mx1.{name}
mx1.{name} A 127.0.0.1
mta-sts.{name} A 127.0.0.1
""" + ("" if name == "absent" else
       f'_mta-sts.{name} TXT "v=STSv1; id=1"\n') for name in DOMAINS)
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}
data_directory = {folder}
mail_owner = postfix
setgid_group = postdrop
"""
RESTARTS, RESTARTS_FULL = 10, 1000


def domain(name):
    return f"{name}.{ZONE}"


def policy(name, mode="enforce", more=()):
    lines = ["version: STSv1", f"mode: {mode}", f"mx: mx1.{domain(name)}",
             "max_age: 86400", *more]
    return "\r\n".join(lines) + "\r\n"


HOSTILE = ("foo: x } tafile=/etc/passwd { policy_string = y",
           "bar: ciphers=low servername=evil.example")


class World:
    """Names, policy hosts, and a moat that knows no other."""

    def __init__(self, stack, folder):
        self.policies = {
            domain("enforce"): policy("enforce"),
            domain("testing"): policy("testing", "testing"),
            domain("none"): policy("none", "none"),
            domain("hostile"): policy("hostile", more=HOSTILE),
            domain("moved"): policy("moved"),
            domain("wild"): policy("wild").replace("mx: mx1", "mx: *"),
        }
        self.folder = folder
        self.authority = Authority(folder / "ca")
        self.web = stack.enter_context(PolicyHost(
            self.authority.issue(*(f"mta-sts.{domain(n)}" for n in DOMAINS)),
            self._respond))
        self.names = stack.enter_context(Knot(
            folder / "knot", {ZONE: RECORDS, SIGNED: DANE},
            sign=[SIGNED]))
        keys = self.names.control("zone-read", SIGNED, SIGNED + ".",
                                  "DNSKEY").stdout
        anchors = [line.split("] ", 1)[-1] for line in keys.splitlines()]
        self.resolver = stack.enter_context(Unbound(
            folder / "unbound",
            {ZONE: self.names.port, SIGNED: self.names.port}, anchors))
        self.port = free_port()
        self.postfix = folder / "postfix"
        self.postfix.mkdir()
        (self.postfix / "main.cf").write_text(
            MAIN_CF.format(folder=self.postfix))

    def _respond(self, connection, _stop):
        head = self.web.requests[-1].lower()
        host = next(line.split(":", 1)[1].strip() for line
                    in head.splitlines() if line.startswith("host:"))
        text = self.policies.get(host.removeprefix("mta-sts."))
        connection.sendall(answer(text.encode()) if text else
                           answer(b"no", status="404 Not Found"))

    def settings(self, **more):
        return {
            "server": {"roles": "policy"},
            "policy": {
                "listen": f"{HOST}:{self.port}",
                "resolver": f"{HOST}:{self.resolver.port}",
                "dnssec": "trust",
                "dnssec_check": SIGNED,
                "ca_file": self.authority.file,
                "https_port": self.web.port,
                "allow_private": "yes",
                "grace": "0",
            } | more,
        }

    def moat(self, sections=None, **more):
        return Moat(self.folder / "moat",
                    self.settings(**more) | (sections or {}))

    def postmap(self, key, profile="sts", where=None):
        """What Postfix gets for the key; None: not found."""
        where = where or f"inet:{HOST}:{self.port}"
        done = subprocess.run(
            ["postmap", "-c", self.postfix, "-q", key,
             f"socketmap:{where}:{profile}"],
            capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 1 and not done.stderr:
            return None
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def set_record(self, name, record):
        text = RECORDS.replace(f'_mta-sts.{name} TXT "v=STSv1; id=1"\n',
                               record)
        assert text != RECORDS
        self.names.set_zone(ZONE, text)


@pytest.fixture
def world(stack, tmp_path):
    return World(stack, tmp_path)


def secure(name):
    return f"secure match=mx1.{domain(name)} servername=hostname"


class UnixHttp(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("moat")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def get(connection, path, method="GET"):
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def metrics(connection):
    status, text = get(connection, "/metrics")
    assert status == 200
    return dict(line.rsplit(" ", 1) for line in text.splitlines()
                if not line.startswith("#"))


def test_what_postfix_is_told(stack, world):
    stack.enter_context(world.moat())
    ask = world.postmap
    assert ask(domain("enforce")) == secure("enforce")
    # RFC 8461 section 3.4: smart hosts have the policy of their name, what
    # is below a policy domain has none of it.
    assert ask(f"[{domain('enforce')}]:587") == secure("enforce")
    assert ask(f"below.{domain('enforce')}") is None
    for name in ("testing", "none", "absent"):
        assert ask(domain(name)) is None
    for key in (".world.example", ".example", "[127.0.0.1]", "[::1]:25",
                "", "a b", "x" * 5000):
        assert key == "" or ask(key) is None
    more = ask(domain("enforce"), "sts-tlsrpt")
    assert more.startswith(secure("enforce") + " policy_type=sts")
    assert "{ policy_string = mode: enforce }" in more
    assert ask(domain("enforce"), "dane-sts") == secure("enforce")
    # Not ".wild...", which Postfix would take for names at any depth.
    assert ask(domain("wild")) == secure("wild")


def test_dane_goes_first(stack, world):
    moat = stack.enter_context(world.moat())
    wait_until(lambda: moat.json("status")["policy"]["dnssec"] == "good", 20,
               "the self-test")
    assert world.postmap(SIGNED, "dane-sts") == "dane-only"
    assert world.postmap(SIGNED, "sts") is None
    told = moat("explain", SIGNED)
    assert told.returncode == 0 and "DANE (RFC 7672): all" in told.stdout
    assert f"_25._tcp.mx.{SIGNED} TLSA: found, signed" in told.stdout
    # A name server that does not answer makes it wait, and says so.
    world.names.__exit__()
    late = moat("explain", f"nobody.{SIGNED}")
    assert late.returncode == 2 and "dane-temp" in late.stdout
    with pytest.raises(AssertionError, match="temporary error"):
        world.postmap(f"nobody.{SIGNED}", "dane-sts")


def test_an_unknown_profile_is_an_error(stack, world):
    stack.enter_context(world.moat())
    with pytest.raises(AssertionError, match="no profile of this name"):
        world.postmap(domain("enforce"), "nonsense")


def test_which_policy_hosts_may_be_asked(stack, world):
    """No private address, but those that are named; and they learn who
    asks."""
    moat = stack.enter_context(world.moat(allow_private="no"))
    assert world.postmap(domain("enforce")) is None
    assert not world.web.requests
    assert moat.process.log_lines(r"policy\.fetch_failed .*allow_networks")
    moat.stop()
    moat.settings["policy"] |= {"allow_networks": "10.0.0.0/8 127.0.0.0/24",
                                "contact": "postmaster@world.example"}
    moat.write_conf()
    moat.start()
    assert world.postmap(domain("enforce")) == secure("enforce")
    assert "(MTA-STS; postmaster@world.example)\r\n" in world.web.requests[0]


def test_nothing_of_a_strangers_text_reaches_postfix(stack, world):
    """Promise 1, with what worked against others."""
    stack.enter_context(world.moat())
    told = world.postmap(domain("hostile"), "sts-tlsrpt")
    assert told.startswith(secure("hostile"))
    for part in ("tafile", "ciphers", "evil", "foo", "bar", "passwd"):
        assert part not in told
    assert told.count("{") == told.count("}") == 4


def test_a_policy_outlives_restarts_and_its_host(stack, world):
    moat = stack.enter_context(world.moat())
    assert world.postmap(domain("enforce")) == secure("enforce")
    moat.stop()
    world.policies.clear()
    world.set_record("enforce", "")
    moat.start()
    assert world.postmap(domain("enforce")) == secure("enforce")
    # Killed, it comes back by itself and knows as much.
    before = moat.role_pids("policy")
    moat.kill_role("policy")
    wait_until(lambda: moat.role_pids("policy") not in ([], before), 10,
               "another role")
    assert world.postmap(domain("enforce")) == secure("enforce")


def test_killed_at_once_it_has_kept_what_it_said(stack, world):
    """kill -9 right behind the answer: what was answered was on disk."""
    moat = stack.enter_context(world.moat())
    told = world.postmap(domain("enforce"))
    moat.kill_role("policy")
    world.policies.clear()
    world.set_record("enforce", "")
    assert told == secure("enforce")
    wait_until(lambda: len(moat.process.log_lines(r"role\.up")) >= 2, 10,
               "another role")
    assert world.postmap(domain("enforce")) == told


def test_an_id_that_flips_takes_nothing_away(stack, world):
    """Promise 2: a forged TXT record and a blocked policy host."""
    stack.enter_context(world.moat())
    assert world.postmap(domain("moved")) == secure("moved")
    kept = world.policies.pop(domain("moved"))
    world.set_record("moved", '_mta-sts.moved TXT "v=STSv1; id=2"\n')
    assert world.postmap(domain("moved")) == secure("moved")
    # A new policy that is really there is taken at the next id.
    world.policies[domain("moved")] = kept.replace("enforce", "none")
    world.set_record("moved", '_mta-sts.moved TXT "v=STSv1; id=3"\n')
    assert world.postmap(domain("moved")) is None


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_restarts_leave_nothing(stack, world, full):
    moat = stack.enter_context(world.moat())
    assert world.postmap(domain("enforce")) == secure("enforce")
    count = RESTARTS_FULL if full else RESTARTS
    supervisor = descriptors(moat.process.pid)
    role = descriptors(moat.role_pids("policy")[0])
    for i in range(count):
        before = moat.role_pids("policy")
        ups = len(moat.process.log_lines(r"role\.up name=policy"))
        if i % 2:
            os.kill(moat.process.pid, signal.SIGHUP)
        else:
            moat.kill_role("policy", signal.SIGTERM)
        wait_until(lambda b=before, u=ups: moat.role_pids("policy") != b
                   and len(moat.process.log_lines(
                       r"role\.up name=policy")) > u, 20, "the next one")
    assert world.postmap(domain("enforce")) == secure("enforce")
    assert descriptors(moat.process.pid) == supervisor
    # Its connections to the world come and go.
    assert abs(descriptors(moat.role_pids("policy")[0]) - role) <= 4
    moat.stop()
    assert not list(moat.run_dir.iterdir())
    moat.start()
    assert world.postmap(domain("enforce")) == secure("enforce")


def test_a_machine_that_only_sends(stack, world):
    moat = stack.enter_context(world.moat())
    assert {p.name for p in moat.state.iterdir()} == {"policy"}
    wait_until(lambda: moat.json("status")["policy"]["dnssec"] == "good", 20,
               "the self-test")
    done = moat("status")
    assert done.returncode == 0 and "policy/0" in done.stdout
    assert "DNSSEC for DANE: good" in done.stdout
    assert moat.stop() == 0
    done = moat("status")
    assert done.returncode == 3 and "not running" in done.stderr


def test_a_machine_that_hosts_and_sends(stack, world):
    moat = stack.enter_context(world.moat({
        "server": {"roles": "dns keeper console policy"}}))
    wait_until(lambda: moat("status").returncode == 0, 20, "a good status")
    told = moat.json("status")
    assert {r["role"] for r in told["roles"]} == {"dns", "keeper", "console",
                                                  "policy"}
    assert told["view"]["nodes"] and told["policy"]["dnssec"] == "good"
    text = moat("status").stdout
    assert "View of" in text and "DNSSEC for DANE: good" in text
    # What view rebuild says to look for is there to be seen.
    number = int(re.search(r"at change (\d+) or later",
                           moat("view", "rebuild").stdout)[1])
    wait_until(lambda: int(re.search(
        r"^View of \S+: at change (\d+), \d+ behind",
        moat("status").stdout, re.M)[1]) >= number, 20, "the view anew")


def netstring(text):
    return b"%d:%s," % (len(text), text)


def test_mail_servers_reach_no_control(stack, world):
    unix = world.folder / "sock" / "policy.sock"
    moat = stack.enter_context(world.moat(socket=unix, socket_mode="0666"))
    assert world.postmap(domain("enforce")) == secure("enforce")
    assert moat.json("cache", "show", domain("enforce"))["policy"]["in_force"]

    def talk(family, address, text):
        with socket.socket(family) as s:
            s.settimeout(20)
            s.connect(address)
            s.sendall(text)
            return s.recv(4096)
    for family, address in ((socket.AF_INET, (HOST, world.port)),
                            (socket.AF_UNIX, str(unix))):
        for verb in (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"DELETE /v1/cache/%s HTTP/1.1\r\nHost: a\r\n\r\n"
                     % domain("enforce").encode()):
            assert talk(family, address, verb) == b""
        for name in (b"PURGE", b"DUMP", b"JSON", b"metrics", b"cache"):
            told = talk(family, address, netstring(
                name + b" " + domain("enforce").encode()))
            assert b":PERM " in told
    assert moat.json("cache", "show", domain("enforce"))["policy"]["in_force"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to have an /etc")
def test_of_etc_it_reads_what_it_must(stack, world):
    """Landlock, from inside: a file that was not in /etc when the role began
    cannot be read, not even resolv.conf. The role says so and begins anew."""
    etc = world.folder / "etc"
    shutil.copytree("/etc", etc, symlinks=True)
    servers = etc / "resolv.conf"
    servers.unlink()
    servers.write_text(f"nameserver {HOST}\n")
    moat = world.moat(resolver=None, dnssec="off")
    moat.process.argv = with_mounts({"/etc": etc}, moat.process.argv)
    stack.enter_context(moat)
    if not moat.process.log_lines("role.sandboxed role=policy .*landlock"):
        return  # this kernel has none
    before = moat.role_pids("policy")
    # Written in place it is the same file.
    servers.write_text(f"nameserver {HOST}\n# again\n")
    other = etc / "resolv.conf.new"
    other.write_text("nameserver 127.0.0.2\n")
    other.chmod(0o644)
    other.rename(servers)
    wait_until(lambda: moat.process.log_lines(
        "role.file_replaced .*file=/etc/resolv.conf"), 30, "the refusal")
    wait_until(lambda: len(moat.process.log_lines("role.up name=policy")) == 2,
               30, "the role to be up again")
    assert moat.role_pids("policy") != before
    assert moat.json("status")["policy"]["dnssec"] == "off"
    assert not moat.process.log_lines("role.crashed|dns.no_resolver")


def test_sockets_are_for_whom_the_settings_say(stack, world):
    group = grp.getgrgid(os.getegid()).gr_name
    unix = world.folder / "spool" / "moat" / "policy.sock"
    moat = stack.enter_context(world.moat(
        listen="", socket=unix, socket_group=group))
    told = os.stat(unix)
    assert stat.S_ISSOCK(told.st_mode)
    assert stat.S_IMODE(told.st_mode) == 0o660
    assert told.st_gid == os.getegid()
    control = os.stat(moat.run_dir / "policy.sock")
    assert stat.S_IMODE(control.st_mode) == 0o660
    assert world.postmap(domain("enforce"), where=f"unix:{unix}") == secure(
        "enforce")
    # One that was lost comes back with the settings, and as they now say.
    unix.unlink()
    moat.settings["policy"]["socket_mode"] = "0666"
    moat.write_conf()
    os.kill(moat.process.pid, signal.SIGHUP)
    wait_until(lambda: unix.exists()
               and stat.S_IMODE(os.stat(unix).st_mode) == 0o666, 10,
               "the socket to be there again")
    assert world.postmap(domain("enforce"), where=f"unix:{unix}") == secure(
        "enforce")
    moat.stop()
    assert not unix.exists()
    # A file that is no socket is not taken away.
    unix.write_text("mine")
    done = subprocess.run(
        [*map(str, moat.process.argv)], capture_output=True, text=True,
        timeout=60, check=False)
    assert done.returncode == 1 and "cannot listen" in done.stderr
    assert unix.read_text() == "mine"


def test_profiles_and_rules(stack, world):
    # With a grace, so that answers lie ready that a rule must drop.
    moat = stack.enter_context(world.moat(
        {"profile strict": {"kind": "sts", "enforce_testing": "yes"}},
        grace="1h"))
    ask, name = world.postmap, domain("testing")
    assert ask(name) is None
    assert ask(name, "strict") == secure("testing")
    assert moat("rule", "set", name, "enforce", "--reason", "we know them",
                "--until", "30d").returncode == 0
    assert ask(name) == secure("testing")
    rule, = moat.json("rule", "list")["rules"]
    assert rule["reason"] == "we know them" and rule["in_force"]
    assert moat("rule", "set", name, "off", "--profile",
                "strict").returncode == 0
    assert ask(name, "strict") is None and ask(name) == secure("testing")
    assert moat("rule", "remove", name).returncode == 0
    assert ask(name) is None
    done = moat("rule", "set", name, "off", "--profile", "nobody")
    assert done.returncode == 2 and "strict" in done.stderr
    assert moat("rule", "set", name, "on").returncode == 64
    assert moat("rule", "set", name, "off", "--until",
                "2020-01-01").returncode == 64
    # Rules are kept.
    moat.stop()
    moat.start()
    assert ask(name, "strict") is None
    assert moat("rule", "remove", name, "--profile",
                "strict").returncode == 0
    assert ask(name, "strict") == secure("testing")
    assert moat("rule", "remove", name).returncode == 2


def test_cache_verbs(stack, world):
    moat = stack.enter_context(world.moat())
    assert "No policy is cached" in moat("cache", "list").stdout
    for name in ("enforce", "testing"):
        world.postmap(domain(name))
    listed = moat.json("cache", "list")["policies"]
    assert [p["domain"] for p in listed] == [domain("enforce"),
                                             domain("testing")]
    shown = moat.json("cache", "show", domain("enforce"))["policy"]
    assert shown["mode"] == "enforce" and shown["id"] == "1"
    assert shown["text"] == policy("enforce")
    text = moat("cache", "show", domain("enforce")).stdout
    assert "mode enforce, in force until" in text
    fetches = len(world.web.requests)
    assert moat("cache", "refresh", domain("enforce")).returncode == 0
    assert len(world.web.requests) == fetches + 1
    assert moat("cache", "pin", domain("enforce")).returncode == 0
    assert moat("rule", "remove", domain("enforce")).returncode == 0
    assert moat("cache", "purge", domain("enforce")).returncode == 0
    assert moat("cache", "show", domain("enforce")).returncode == 2
    assert moat("cache", "purge", "nobody.example").returncode == 2
    assert moat("cache", "pin", "nobody.example").returncode == 2
    assert moat("cache", "show", "no domain").returncode == 64


def test_explain(stack, world):
    moat = stack.enter_context(world.moat())
    told = moat.json("explain", domain("enforce"))
    steps = {step["step"]: step for step in told["steps"]}
    assert steps["record"]["record"]["id"] == "1"
    assert steps["fetch"]["fetch"]["fetched"]
    assert told["mx"] == [{"host": f"mx1.{domain('enforce')}",
                           "pattern": f"mx1.{domain('enforce')}"}]
    lines = {a["profile"]: a.get("line") for a in told["answers"]}
    assert lines["sts"] == secure("enforce")
    text = moat("explain", domain("enforce"))
    assert text.returncode == 0 and secure("enforce") in text.stdout
    assert "  2 | mode: enforce" in text.stdout
    assert text.stdout.startswith("In short: its MTA-STS policy insists")
    assert moat("rule", "set", domain("enforce"), "off", "--profile",
                "sts").returncode == 0
    split = moat("explain", domain("enforce")).stdout
    assert split.startswith("In short, the profiles differ:")
    assert "    sts: a rule of yours switches it off" in split
    assert moat("rule", "remove", domain("enforce"), "--profile",
                "sts").returncode == 0
    assert moat("explain", "[127.0.0.1]").returncode == 64
    # A record without a policy behind it is worth a warning.
    world.policies.pop(domain("testing"))
    failed = moat("explain", domain("testing"))
    assert failed.returncode == 1
    assert "sts-policy-fetch-error" in failed.stdout
    moat.stop()
    # Without a running role it is looked up here, and nothing stays.
    left = world.folder / "tmp"
    left.mkdir()
    here = subprocess.run(
        [program(), "-c", moat.conf, "explain", domain("enforce")],
        env={**os.environ, "TMPDIR": str(left)}, capture_output=True,
        text=True, timeout=60, check=False)
    assert here.returncode == 0 and "Looked up here" in here.stdout
    assert secure("enforce") in here.stdout
    assert not list(left.iterdir())


def test_metrics(stack, world):
    port = free_port()
    moat = stack.enter_context(world.moat(metrics_listen=f"{HOST}:{port}"))
    world.postmap(domain("enforce"))
    for connection in (lambda: http.client.HTTPConnection(HOST, port),
                       lambda: UnixHttp(moat.run_dir / "policy.sock")):
        seen = metrics(connection())
        assert int(seen["moat_policy_requests_total"]) >= 1
        assert int(seen["moat_policy_cache_entries"]) == 1
        assert seen['moat_policy_events_total{event="policy.new"}'] == "1"
    public = lambda *w: get(http.client.HTTPConnection(HOST, port), *w)[0]
    assert public("/v1/status") == 404
    assert public("/v1/cache") == 404
    assert public("/metrics", "DELETE") == 405
    control = lambda *w: get(UnixHttp(moat.run_dir / "policy.sock"), *w)[0]
    assert control("/v1/nothing") == 404
    assert control("/v1/rules", "DELETE") == 405
    assert control("/v1/rules/a..b", "DELETE") == 422
    problem = json.loads(get(UnixHttp(moat.run_dir / "policy.sock"),
                             "/v1/cache/none.example")[1])
    assert problem["title"] == "not found" and problem["remedy"]


def test_metrics_take_no_place_of_operators(stack, world):
    port = free_port()
    moat = stack.enter_context(world.moat(metrics_listen=f"{HOST}:{port}"))
    for _ in range(64):
        stack.enter_context(socket.create_connection((HOST, port)))
    control = UnixHttp(moat.run_dir / "policy.sock")
    control.connect()
    control.sock.settimeout(30)
    assert get(control, "/v1/status")[0] == 200
