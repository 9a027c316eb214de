# SPDX-License-Identifier: Apache-2.0
"""names: DNS of the laboratory: one authoritative Knot with a root of our own
(signed), "example" (signed, delegated securely) and "plain" (not signed; not
"test", for which libunbound has an answer of its own), and one Unbound,
validating, that every sender asks. The attacker is between the two. Unbound
keeps nothing, and moat for a second only, so that an attack is felt at once.
"""

from pathlib import Path

from harness.process import Process
from hosts import run

SERVER = "44.128.30.1"      # the attacker's end of the wire
REAL_SERVER = "44.128.31.1"
RESOLVER = "44.128.1.53"
SIGNED = (".", "example.")
TTL_S = 1

KNOT = """\
server:
    listen: {address}@53
    rundir: {folder}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}/db
log:
  - target: stderr
    any: info
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
    ksk-lifetime: 0
template:
  - id: default
    storage: {folder}
    zonefile-load: whole
    journal-content: none
zone:
  - domain: .
    file: root.zone
    dnssec-signing: on
    dnssec-policy: lab
  - domain: example.
    file: example.zone
    dnssec-signing: on
    dnssec-policy: lab
  - domain: plain.
    file: plain.zone
"""

SOA = ("$ORIGIN {origin}\n$TTL {ttl}\n"
       "@ SOA ns.root. hostmaster.root. 1 60 30 3600 1\n@ NS ns.root.\n")

UNBOUND = """\
server:
  interface: {address}@53
  interface: 127.0.0.1@53
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  verbosity: 1
  val-log-level: 2
  num-threads: 1
  do-ip6: no
  access-control: 0.0.0.0/0 allow
  module-config: "validator iterator"
  root-hints: "{folder}/root.hints"
  trust-anchor-file: "{anchor}"
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 1
  qname-minimisation: no
  aggressive-nsec: no
  target-fetch-policy: "0 0 0 0 0"
remote-control:
  control-enable: no
"""


class NameServer:
    """host gets Knot. zones: top-level domain -> records."""

    def __init__(self, host, folder, zones):
        self.folder = Path(folder)
        self.conf = self.folder / "knot.conf"
        self.zones = zones
        self.anchor = None
        self.process = Process(host.argv("knotd", "-c", self.conf),
                               self.folder, "knotd")

    def _key(self, zone):
        """Makes a zone's key; gives its DS record."""
        run("keymgr", "-c", self.conf, zone, "generate",
            "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes")
        said = run("keymgr", "-c", self.conf, zone, "ds").stdout
        return next(line for line in said.splitlines() if " 13 2 " in line)

    def start(self):
        (self.folder / "db").mkdir(parents=True)
        self.conf.write_text(KNOT.format(address=REAL_SERVER,
                                         folder=self.folder))
        keys = {zone: self._key(zone) for zone in SIGNED}
        self.anchor = self.folder / "root.key"
        self.anchor.write_text(keys["."] + "\n")
        root = (f"ns.root. A {SERVER}\nplain. NS ns.root.\n"
                f"example. NS ns.root.\n{keys['example.']}\n")
        for name, text in {"root": root, **self.zones}.items():
            origin = "." if name == "root" else f"{name}."
            (self.folder / f"{name}.zone").write_text(
                SOA.format(origin=origin, ttl=TTL_S) + text)
        self.process.start()
        self.process.wait_log(r"\[plain\.\] loaded", 10)
        self.process.wait_log(r"\[example\.\] DNSSEC, next signing", 10)
        self.process.wait_log(r"\[\.\] DNSSEC, next signing", 10)

    def stop(self):
        self.process.stop()


class Resolver:
    """host, which has the address RESOLVER, gets Unbound."""

    def __init__(self, host, folder, anchor):
        self.folder = Path(folder)
        self.anchor = anchor
        self.process = Process(
            host.argv("unbound", "-d", "-p", "-c",
                      self.folder / "unbound.conf"), self.folder, "unbound")

    def start(self):
        self.folder.mkdir()
        (self.folder / "root.hints").write_text(
            f". 60 NS ns.root.\nns.root. 60 A {SERVER}\n")
        (self.folder / "unbound.conf").write_text(UNBOUND.format(
            address=RESOLVER, folder=self.folder,
            anchor=self.anchor))
        self.process.start()
        self.process.wait_log("start of service", 10)

    def stop(self):
        self.process.stop()
