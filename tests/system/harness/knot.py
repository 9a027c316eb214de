# SPDX-License-Identifier: Apache-2.0
"""knot: Knot DNS as an authoritative server: zones from text (as primary) or
transferred from somewhere (as secondary), with TSIG and DNSSEC signing if
wanted."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from dns import dnssec, query, rdatatype
from dns import zone as dns_zone

from . import dns
from .ports import free_port
from .process import Process, wait_until

HOST = "127.0.0.1"
SEP = 1  # flag of a key that signs keys


@dataclass
class Tsig:
    """A shared key; the secret is base64."""

    name: str = "transfer-key"
    secret: str = "cEpVNFUzbDJXaGRLOXc0N1JkYnVhbUVsdmRZcDNaZEs="
    algorithm: str = "hmac-sha256"


@dataclass
class Primary:
    """Where a secondary gets its zone from."""

    port: int
    tsig: Tsig | None = None
    host: str = HOST


SOA = ("@ 60 SOA ns.{zone}. hostmaster.{zone}. {serial} 60 30 3600 10\n"
       "@ 60 NS ns.{zone}.\n"
       "ns 60 A 127.0.0.1\n")


class Whole(str):
    """The text of a zone with SOA and all, served as it is."""


class Knot:
    """zones: name -> records as text (SOA, NS and the address of ns are
    added, the serial is kept), or name -> Whole, or name -> Primary.
    sign: zones to sign; those in nsec3 too are denied with NSEC3."""

    def __init__(self, folder, zones, notify_from=HOST, sign=(), nsec3=(),
                 netns=None, port=None):
        self.folder = Path(folder)
        self.port = port or free_port()
        self.texts = {}
        self.serials = {}
        self.primaries = {}
        self.notify_from = notify_from
        self.sign = set(sign)
        self.nsec3 = set(nsec3)
        for zone, content in zones.items():
            if isinstance(content, Primary):
                self.primaries[zone] = content
            else:
                self.texts[zone] = content
                self.serials[zone] = 1
        self.process = Process(["knotd", "-c", self.folder / "knot.conf"],
                               self.folder, "knotd", netns=netns)

    def _write_zone(self, zone):
        if isinstance(self.texts[zone], Whole):
            (self.folder / f"{zone}.zone").write_text(self.texts[zone])
            return
        text = SOA.format(zone=zone, serial=self.serials[zone])
        (self.folder / f"{zone}.zone").write_text(
            f"$ORIGIN {zone}.\n$TTL 5\n{text}{self.texts[zone]}\n")

    def _keys(self):
        keys = {p.tsig.name: p.tsig for p in self.primaries.values() if p.tsig}
        for key in keys.values():
            yield (f"  - id: {key.name}\n    algorithm: {key.algorithm}\n"
                   f"    secret: {key.secret}\n")

    def _config(self):
        remotes, acls, zones = [], [], []
        for i, (zone, p) in enumerate(self.primaries.items()):
            key = f"    key: {p.tsig.name}\n" if p.tsig else ""
            remotes.append(f"  - id: primary{i}\n"
                           f"    address: {p.host}@{p.port}\n{key}")
            acls.append(f"  - id: notify{i}\n    address: {self.notify_from}\n"
                        f"    action: notify\n{key}")
            zones.append(f"  - domain: {zone}\n    master: primary{i}\n"
                         f"    acl: notify{i}\n{self._signing(zone)}")
        for zone in self.texts:
            zones.append(f"  - domain: {zone}\n    file: {zone}.zone\n"
                         f"    zonefile-load: whole\n    acl: local\n"
                         f"    journal-content: none\n{self._signing(zone)}")
        acls.append(f"  - id: local\n    address: {HOST}\n"
                    "    action: transfer\n")
        keys = list(self._keys())
        return (f"server:\n    listen: {HOST}@{self.port}\n"
                f"    rundir: {self.folder}\n    udp-workers: 1\n"
                "    tcp-workers: 1\n    background-workers: 1\n"
                f"database:\n    storage: {self.folder}/db\n"
                "log:\n  - target: stderr\n    any: info\n"
                + ("key:\n" + "".join(keys) if keys else "")
                + ("remote:\n" + "".join(remotes) if remotes else "")
                + "acl:\n" + "".join(acls)
                + "policy:\n  - id: nsec3\n    nsec3: on\n"
                + f"template:\n  - id: default\n    storage: {self.folder}\n"
                "zone:\n" + "".join(zones))

    def _signing(self, zone):
        if zone not in self.sign:
            return ""
        return "    dnssec-signing: on\n" + (
            "    dnssec-policy: nsec3\n" if zone in self.nsec3 else "")

    def __enter__(self):
        (self.folder / "db").mkdir(parents=True, exist_ok=True)
        for zone in self.texts:
            self._write_zone(zone)
        (self.folder / "knot.conf").write_text(self._config())
        self.process.start()
        wait_until(self._ready, 10, "knotd to answer")
        return self

    def _ready(self):
        if not self.process.alive():
            raise AssertionError(self.process.log_text()[-2000:])
        return all((self.serial(zone) or 0) >= self.serials[zone]
                   for zone in self.texts) if self.texts else (
                       self.control("status").returncode == 0)

    def control(self, *words):
        """knotc WORDS."""
        return subprocess.run(
            ["knotc", "-s", self.folder / "knot.sock", *words],
            capture_output=True, text=True, timeout=60, check=False)

    def ds(self, zone, digest="SHA256"):
        """The DS record of a zone it signs, as text with its owner."""
        answer = dns.ask(self.port, zone, "DNSKEY", want_dnssec=True)
        keys = [key for rrset in answer.answer
                if rrset.rdtype == rdatatype.DNSKEY for key in rrset
                if key.flags & SEP]
        ds = dnssec.make_ds(f"{zone}.", keys[0], digest)
        return f"{zone}. 3600 IN DS {ds.to_text()}"

    def dump(self, zone):
        """The whole zone as it is served, signatures and all."""
        transfer = query.xfr(HOST, zone, port=self.port, lifetime=10,
                             relativize=False)
        return dns_zone.from_xfr(transfer, relativize=False).to_text()

    def serial(self, zone):
        """The SOA serial it serves, or None."""
        return dns.serial(self.port, zone, timeout_s=2)

    def set_zone(self, zone, text):
        """Replaces the records of a zone it is primary for, and waits until
        they are served."""
        self.texts[zone] = text
        self.serials[zone] += 1
        self._write_zone(zone)
        self.control("zone-reload", zone)
        wait_until(lambda: self.serial(zone) >= self.serials[zone], 10,
                   f"knotd to serve {zone} {self.serials[zone]}")

    def add(self, zone, text):
        """Adds records to a zone it is primary for."""
        self.set_zone(zone, self.texts[zone] + "\n" + text)

    def wait_serial(self, zone, serial, timeout_s=10):
        """As a secondary: waits until it serves that serial or a later."""
        wait_until(lambda: (self.serial(zone) or 0) >= serial, timeout_s,
                   f"knotd to have {zone} {serial}")

    def __exit__(self, *_):
        self.process.stop()
