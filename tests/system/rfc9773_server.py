# SPDX-License-Identifier: Apache-2.0
"""A small ACME server of our own for what no packaged Pebble offers: profiles,
and renewal windows (RFC 9773) that a test can move. Every authorization is
valid from the beginning and no signature is checked: Pebble does that."""

import base64
import json
import ssl
import subprocess
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

from harness.ports import free_port

HOST = "127.0.0.1"
DAY = 86400
PROFILES = {"classic": 90, "shortlived": 6}  # name: days


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


class Problem(Exception):
    def __init__(self, status, kind, detail):
        super().__init__(detail)
        self.status = status
        self.body = {"type": f"urn:ietf:params:acme:error:{kind}",
                     "detail": detail, "status": status}


class Rfc9773Server:
    """window: certID -> (start, end), or None for the middle of the lifetime.
    orders: what newOrder was given, in order."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.port = free_port()
        self.ca = self.folder / "ca.pem"
        self.url = f"https://{HOST}:{self.port}"
        self.directory = f"{self.url}/dir"
        self.window = None
        self.explanation = "https://ca.example/why"
        self.retry_after = 60
        self.polls = 0
        self.orders = []
        self.replaced = set()
        self.made = {}
        self.numbers = count(1)
        self.server = None

    def openssl(self, *words, stdin=None):
        return subprocess.run(["openssl", *map(str, words)], input=stdin,
                              cwd=self.folder, check=True,
                              capture_output=True).stdout

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
                     "-subj", "/CN=RFC 9773 server", "-addext",
                     f"subjectAltName=IP:{HOST}", "-keyout", "ca.key",
                     "-out", "ca.pem")
        (self.folder / "ext").write_text(
            "authorityKeyIdentifier=keyid:always\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, self.folder / "ca.key")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self, {})

            do_HEAD = do_GET

            def do_POST(self):
                size = int(self.headers["Content-Length"])
                jws = json.loads(self.rfile.read(size))
                text = unb64(jws["payload"])
                outer.answer(self, json.loads(text) if text else {})

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((HOST, self.port), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, payload):
        """Finds what serves the path's first part, and sends what it gives."""
        what, _, rest = request.path.strip("/").partition("/")
        headers = {"Replay-Nonce": f"n{next(self.numbers)}"}
        status, kind = 200, "application/json"
        try:
            body = getattr(self, f"do_{what}")(rest, payload, headers)
        except Problem as e:
            status, body, kind = e.status, e.body, "application/problem+json"
        if "Location" in headers:
            status = 201
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)

    def do_dir(self, _rest, _payload, _headers):
        urls = {name: f"{self.url}/{path}" for name, path in {
            "newNonce": "nonce", "newAccount": "account", "newOrder": "new",
            "renewalInfo": "renewal"}.items()}
        return urls | {"meta": {"profiles": {
            name: f"{days} days" for name, days in PROFILES.items()}}}

    def do_nonce(self, _rest, _payload, _headers):
        return b""

    def do_account(self, _rest, _payload, headers):
        headers["Location"] = f"{self.url}/acct/1"
        return {"status": "valid"}

    def do_new(self, _rest, payload, headers):
        if payload.get("profile", "classic") not in PROFILES:
            raise Problem(400, "invalidProfile", "no such profile")
        if payload.get("replaces") in self.replaced:
            raise Problem(409, "alreadyReplaced", "it has a successor")
        self.replaced.add(payload.get("replaces", ""))
        self.replaced.discard("")
        name = str(next(self.numbers))
        self.orders.append(payload)
        self.made[name] = {"asked": payload, "pem": None}
        headers["Location"] = f"{self.url}/order/{name}"
        return self.do_order(name, {}, {})

    def do_order(self, name, _payload, _headers):
        order = self.made[name]
        out = {"status": "valid" if order["pem"] else "ready",
               "identifiers": order["asked"]["identifiers"],
               "authorizations": [f"{self.url}/authz/{name}"],
               "finalize": f"{self.url}/finalize/{name}"}
        if order["pem"]:
            out["certificate"] = f"{self.url}/cert/{name}"
        return out

    def do_authz(self, name, _payload, _headers):
        return {"status": "valid", "challenges": [],
                "identifier": self.made[name]["asked"]["identifiers"][0]}

    def do_finalize(self, name, payload, _headers):
        order = self.made[name]
        days = PROFILES[order["asked"].get("profile", "classic")]
        order["pem"] = self.openssl(
            "x509", "-req", "-inform", "DER", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-days", days, "-copy_extensions", "copy", "-extfile",
            "ext", stdin=unb64(payload["csr"])) + self.ca.read_bytes()
        return self.do_order(name, {}, {})

    def do_cert(self, name, _payload, _headers):
        return self.made[name]["pem"]

    def do_renewal(self, cert_id, _payload, headers):
        self.polls += 1
        headers["Retry-After"] = str(self.retry_after)
        start = time.time() + 45 * DAY
        start, end = (self.window or {}).get(cert_id, (start, start + DAY))
        return {"suggestedWindow": {"start": rfc3339(start),
                                    "end": rfc3339(end)},
                "explanationURL": self.explanation}
