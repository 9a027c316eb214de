# SPDX-License-Identifier: Apache-2.0
"""pebble: Let's Encrypt's test CA in strict mode, which also rejects a share
of the nonces. Its validation server looks names up at the resolver given."""

import json
import ssl
import subprocess
import urllib.request
from pathlib import Path

from .ports import free_port
from .process import Process, wait_until

HOST = "127.0.0.1"


class Pebble:
    """http_port and tls_port are where it connects for http-01 and
    tls-alpn-01. eab: key id -> base64url HMAC key; then accounts need one.
    program: see newer_pebble."""

    def __init__(self, folder, resolver_port, http_port, tls_port, eab=None,
                 nonce_reject_percent=20, valid_s=None, netns=None,
                 program="pebble"):
        self.folder = Path(folder)
        self.port = free_port()
        self.management_port = free_port()
        self.ca = self.folder / "https.pem"
        self.settings = {
            "listenAddress": f"{HOST}:{self.port}",
            "managementListenAddress": f"{HOST}:{self.management_port}",
            "certificate": str(self.folder / "https.pem"),
            "privateKey": str(self.folder / "https.key"),
            "httpPort": http_port,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(eab),
        }
        if eab:
            self.settings["externalAccountMACKeys"] = eab
        if valid_s:
            self.settings["certificateValidityPeriod"] = valid_s
        self.process = Process(
            [program, "-strict", "-config", self.folder / "pebble.json",
             "-dnsserver", f"{HOST}:{resolver_port}"],
            self.folder, "pebble", netns=netns,
            env={"PEBBLE_VA_NOSLEEP": "1",
                 "PEBBLE_WFE_NONCEREJECT": str(nonce_reject_percent),
                 "PEBBLE_AUTHZREUSE": "0"})

    @property
    def directory(self):
        """The URL of the ACME directory; its certificate is self.ca."""
        return f"https://{HOST}:{self.port}/dir"

    def _https_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=pebble", "-addext",
             f"subjectAltName=IP:{HOST},DNS:localhost",
             "-keyout", self.folder / "https.key", "-out", self.ca],
            check=True, capture_output=True)

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._https_certificate()
        (self.folder / "pebble.json").write_text(
            json.dumps({"pebble": self.settings}, indent=1))
        self.process.start()
        wait_until(self._ready, 10, "pebble to answer")
        return self

    def _get(self, path, port):
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(f"https://{HOST}:{port}{path}",
                                    timeout=60, context=context) as answer:
            return answer.read()

    def _ready(self):
        if not self.process.alive():
            raise AssertionError(self.process.log_text()[-2000:])
        return self._get("/dir", self.port)

    def root(self):
        """Writes the root its certificates lead to and gives the path."""
        path = self.folder / "root.pem"
        path.write_bytes(self._get("/roots/0", self.management_port))
        return path

    def __exit__(self, *_):
        self.process.stop()
