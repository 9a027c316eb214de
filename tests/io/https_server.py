# SPDX-License-Identifier: Apache-2.0
"""A TLS server for test_http_client: CERT KEY; prints its port. It ends its
connections without close_notify, so an answer whose length is not told would
be one that may have been cut: libcurl 8 refuses that, and rightly."""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/")
        self.send_response(302 if name == "redirect" else 200)
        if name == "redirect":
            self.send_header("Location", "/hello")
        if name == "heads":
            for i in range(500):
                self.send_header(f"X-{i}", "x" * 200)
        if name != "endless":
            self.send_header("Content-Length", "50" if name == "cut" else "5")
        self.end_headers()
        if name == "endless":
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return
        self.wfile.write(b"hello")

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.send_response(201)
        self.send_header("X-Kind", self.headers["Content-Type"])
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(self.rfile.read(size))

    def log_message(self, *_):
        pass


HTTPServer.request_queue_size = 128
server = HTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
sys.stdout.write(f"{server.server_address[1]}\n")
sys.stdout.flush()
server.serve_forever()
