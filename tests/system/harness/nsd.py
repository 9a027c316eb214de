# SPDX-License-Identifier: Apache-2.0
"""nsd: NSD as a secondary of a primary on loopback."""

from pathlib import Path

from . import dns
from .ports import free_port
from .process import Process, wait_until

HOST = "127.0.0.1"


class Nsd:
    """zones: name -> knot.Primary."""

    def __init__(self, folder, zones, netns=None):
        self.folder = Path(folder)
        self.zones = zones
        self.port = free_port()
        self.process = Process(["nsd", "-d", "-c", self.folder / "nsd.conf"],
                               self.folder, "nsd", netns=netns)

    def _config(self):
        text = (f'server:\n  ip-address: {HOST}@{self.port}\n'
                f'  username: ""\n  chroot: ""\n  zonesdir: "{self.folder}"\n'
                f'  pidfile: "{self.folder}/nsd.pid"\n'
                f'  xfrdfile: "{self.folder}/xfrd.state"\n'
                f'  xfrdir: "{self.folder}"\n  zonelistfile: '
                f'"{self.folder}/zone.list"\n  database: ""\n'
                '  server-count: 1\n  verbosity: 2\n  xfrd-reload-timeout: 0\n'
                'remote-control:\n  control-enable: no\n')
        keys = {p.tsig.name: p.tsig for p in self.zones.values() if p.tsig}
        for key in keys.values():
            text += (f'key:\n  name: {key.name}\n'
                     f'  algorithm: {key.algorithm}\n'
                     f'  secret: "{key.secret}"\n')
        for zone, p in self.zones.items():
            key = p.tsig.name if p.tsig else "NOKEY"
            text += (f'zone:\n  name: {zone}\n'
                     f'  allow-notify: {HOST} {key}\n'
                     f'  request-xfr: {p.host}@{p.port} {key}\n')
        return text

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "nsd.conf").write_text(self._config())
        self.process.start()
        self.process.wait_log("nsd started", 10)
        return self

    def serial(self, zone):
        return dns.serial(self.port, zone, timeout_s=2)

    def wait_serial(self, zone, serial, timeout_s=10):
        wait_until(lambda: (self.serial(zone) or 0) >= serial, timeout_s,
                   f"nsd to have {zone} {serial}")

    def __exit__(self, *_):
        self.process.stop()
