# SPDX-License-Identifier: Apache-2.0
"""laboratory: all the machines together: built, started, attacked, stopped."""

import contextlib
import json
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import names
from authority import Authority
from domains import zone_text
from harness.process import Process, wait_until
from hosts import Network
from postfix import receiver
from release import PACKAGES, Release
from scenarios import ATTACKER
from senders import start_senders

LAB = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
DEFAULT = "mx.default.plain"    # whom a certificate is for, if for nobody
NONE_POLICY = "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n"


class Laboratory:
    """domains: those of this run. log is called with a line of progress. A
    context manager: inside it everything runs and no attack is on."""

    def __init__(self, domains, log, keep=False):
        self.domains = domains
        self.log = log
        self.keep = keep
        self.folder = None
        self.network = None
        self.senders = []
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._build()
            return self
        except BaseException:
            self.stack.close()
            raise

    def __exit__(self, *_):
        self.stack.close()

    def _build(self):
        releases = self._releases()
        self.folder = Path(tempfile.mkdtemp(prefix="moat-lab-"))
        self.folder.chmod(0o755)
        if not self.keep:
            self.stack.callback(shutil.rmtree, self.folder)
        self.network = self.stack.enter_context(Network())
        self.log("starting name server, policy host, receiver, attacker")
        certificates = self._certificates()
        resolver = self._names(certificates)
        self._outside(releases["trixie"], certificates)
        self.log("starting the senders")
        self.senders = start_senders(self, releases, resolver,
                                     certificates.ca)

    def _releases(self):
        with ThreadPoolExecutor() as pool:
            made = pool.map(lambda name: Release(name, self.log).prepare(),
                            PACKAGES)
            return {release.name: release for release in made}

    def begin(self, server):
        """Starts something with start and stop, to be stopped in turn."""
        self.stack.callback(server.stop)
        server.start()
        return server

    def place(self, release, host, name):
        """Where a mail server lives. Kept if the logs are."""
        made = release.place(host, name)
        if self.keep:
            self.log(f"{name}: {made.path}")
        else:
            self.stack.callback(made.remove)
        return made

    def program(self, host, name, *arguments):
        """One of our own programs on a host."""
        return self.begin(Process(
            host.argv(PYTHON, LAB / f"{name}.py", *arguments), self.folder,
            name, env={"PYTHONPATH": str(LAB)}))

    def _certificates(self):
        made = Authority(self.folder / "certificates")
        mx = [d.mx for d in self.domains]
        by_sni = self._by_sni()
        usual = [name for name in mx if name not in by_sni]
        policy = [d.policy_host for d in self.domains]
        second = [f"mx2.{d.name}" for d in self.domains]
        made.issue("mx", [*usual, *second] or [DEFAULT], honest=True)
        made.issue("mx-sni", by_sni or [DEFAULT], honest=True)
        made.issue("policy", [*policy, f"mta-sts.{ATTACKER}", ATTACKER])
        made.issue("policy-expired", policy, expired=True)
        made.issue("attacker", [ATTACKER])
        made.issue("deep", [f"a.b.{d.name}" for d in self.domains])
        made.issue("misissued", mx)
        made.issue("expired", mx, expired=True)
        made.issue("self-signed", mx, self_signed=True)
        made.issue("unknown-ca", mx, unknown_ca=True)
        return made

    def _by_sni(self):
        return [d.mx for d in self.domains if d.scenario.sni]

    def pem(self, name):
        return str(self.folder / "certificates" / f"{name}.pem")

    def _names(self, certificates):
        host = self.network.host("dns", [f"{names.REAL_SERVER}/32"])
        tlsa = certificates.tlsa()
        server = self.begin(names.NameServer(
            host, self.folder / "knot",
            {tld: zone_text(self.domains, tld, tlsa)
             for tld in ("example", "plain")}))
        self._attacker()
        return self.begin(names.Resolver(
            self.network.host("resolver", address=names.RESOLVER),
            self.folder / "unbound", server.anchor))

    def _outside(self, release, certificates):
        """The honest world: one machine for all MX hosts, one for all
        policy hosts."""
        mx = self.network.host("mx", ["44.128.10.0/24", "44.128.11.0/24"])
        web = self.network.host("web", ["44.128.20.0/24"])
        self.program(mx, "recorder", "2400", self.folder / "mx.records")
        conf = self.folder / "policy_host.json"
        conf.write_text(json.dumps({
            "listen": "0.0.0.0", "pem": self.pem("policy"),
            "records": str(self.folder / "policy.records"),
            "policies": {d.policy_host: d.policy() for d in self.domains}}))
        self.program(web, "policy_host", conf)
        self.begin(receiver(self.place(release, mx, "mx"),
                            certificates.folder / "mx.pem",
                            certificates.folder / "mx-sni.pem",
                            self._by_sni()))

    def tempt(self, host):
        """A policy host on a sender's own loopback that must never be asked:
        it has a good certificate, and policies that ask for nothing."""
        conf = self.folder / f"{host.name}-loopback.json"
        conf.write_text(json.dumps({
            "listen": "127.0.0.1", "pem": self.pem("policy"),
            "records": str(self.folder / "loopback.records"),
            "policies": {d.policy_host: NONE_POLICY for d in self.domains}}))
        self.program(host, "policy_host", conf)

    def _attacker(self):
        router = self.network.router
        router.write("/proc/sys/net/ipv4/ip_nonlocal_bind", "1")
        router.claim(names.SERVER)
        router.claim("44.128.40.0/24")
        conf = self.folder / "attacker.json"
        conf.write_text(json.dumps(self._attacks()))
        process = self.program(router, "attacker", conf)
        wait_until(lambda: router.run("ss", "-ltn").stdout.count(":25 "), 10,
                   "the attacker to listen")
        return process

    def _attacks(self):
        smtp = {"44.128.40.1": {"kind": "pose", "pem": self.pem("attacker")},
                "44.128.40.2": {"kind": "pose", "pem": self.pem("deep")}}
        https = {"44.128.40.1": {"kind": "served", "pem": self.pem("policy")}}
        answers = {}
        policies = {ATTACKER: NONE_POLICY}
        for domain in self.domains:
            answers |= domain.forged()
            policies[domain.policy_host] = NONE_POLICY
            rule = dict(domain.scenario.smtp)
            if rule:
                rule["upstream"] = domain.back_door
                smtp[domain.mx_address] = self._with_pem(rule)
            rule = dict(domain.scenario.https)
            if "kind" in rule:
                https[domain.policy_address] = self._with_pem(rule)
        return {"records": str(self.folder / "attacker.records"),
                "switch": str(self.folder / "attack"),
                "dns": {"listen": names.SERVER,
                        "upstream": names.REAL_SERVER},
                "smtp": smtp, "https": https, "policies": policies,
                "answers": answers}

    def _with_pem(self, rule):
        if "pem" in rule:
            rule["pem"] = self.pem(rule["pem"])
        return rule

    def attack(self):
        """From now on every scenario's attack is on."""
        router = self.network.router
        for domain in self.domains:
            scenario = domain.scenario
            if scenario.smtp:
                router.claim(domain.mx_address)
            if "kind" in scenario.https:
                router.claim(domain.policy_address)
            if "route" in scenario.https:
                router.ip("route", "replace", scenario.https["route"],
                          domain.policy_address)
        (self.folder / "attack").touch()
        time.sleep(names.TTL_S + 1)     # until nobody may know the old answers
