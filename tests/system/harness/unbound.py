# SPDX-License-Identifier: Apache-2.0
"""unbound: a resolver that knows only the zones it is told, each at the port
of its server; every other name is NXDOMAIN, so no question leaves here."""

import subprocess
from pathlib import Path

from . import dns
from .ports import free_port
from .process import Process, wait_until

HOST = "127.0.0.1"


class Unbound:
    """stubs: zone -> port of its authoritative server on loopback.
    anchors: DS or DNSKEY lines to validate with. also: more addresses to
    listen on, as ADDRESS@PORT."""

    def __init__(self, folder, stubs, anchors=(), cache_s=0, netns=None,
                 port=None, also=()):
        self.folder = Path(folder)
        self.stubs = stubs
        self.anchors = anchors
        self.cache_s = cache_s
        self.also = also
        self.port = port or free_port()
        self.control_path = self.folder / "control"
        self.process = Process(
            ["unbound", "-d", "-p", "-c", self.folder / "unbound.conf"],
            self.folder, "unbound", netns=netns)

    def _config(self):
        validating = bool(self.anchors)
        text = (f'server:\n  interface: {HOST}@{self.port}\n  port: '
                f'{self.port}\n  username: ""\n  chroot: ""\n'
                f'  directory: "{self.folder}"\n  pidfile: ""\n'
                '  use-syslog: no\n  log-queries: yes\n  verbosity: 1\n'
                '  num-threads: 1\n  do-not-query-localhost: no\n'
                '  do-ip6: no\n  access-control: 127.0.0.0/8 allow\n'
                '  module-config: "%siterator"\n'
                f'  cache-max-ttl: {self.cache_s}\n'
                f'  cache-max-negative-ttl: {self.cache_s}\n'
                '  infra-host-ttl: 1\n  qname-minimisation: no\n'
                '  aggressive-nsec: no\n'
                % ("validator " if validating else ""))
        for address in self.also:
            text += f"  interface: {address}\n"
        for anchor in self.anchors:
            text += f'  trust-anchor: "{anchor}"\n'
        text += '  local-zone: "." static\n'
        for zone in self.stubs:
            text += f'  local-zone: "{zone}." transparent\n'
        text += (f'remote-control:\n  control-enable: yes\n'
                 f'  control-interface: "{self.control_path}"\n'
                 '  control-use-cert: no\n')
        for zone, port in self.stubs.items():
            text += (f'stub-zone:\n  name: "{zone}."\n'
                     f'  stub-addr: {HOST}@{port}\n')
        return text

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "unbound.conf").write_text(self._config())
        self.process.start()
        wait_until(self._ready, 10, "unbound to answer")
        return self

    def _ready(self):
        if not self.process.alive():
            raise AssertionError(self.process.log_text()[-2000:])
        return dns.ask(self.port, "nothing.invalid", "A", timeout_s=2)

    def control(self, *words):
        """unbound-control WORDS."""
        return subprocess.run(
            ["unbound-control", "-c", self.folder / "unbound.conf", *words],
            capture_output=True, text=True, timeout=60, check=False)

    def flush(self):
        """Forgets every cached answer."""
        for zone in self.stubs:
            self.control("flush_zone", zone)

    def __exit__(self, *_):
        self.process.stop()
