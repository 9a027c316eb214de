# SPDX-License-Identifier: Apache-2.0
"""sinks: a submission server and a webhook receiver that keep what comes."""

import base64
import contextlib
import email
import email.policy
import http.server
import socketserver
import ssl
import threading

HOST = "127.0.0.1"


def tls_of(cert):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert)
    return context


class _Sink:
    """A server in a thread, stopped at the end."""

    def __init__(self, server):
        self.server = server
        self.port = server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class _Session(socketserver.StreamRequestHandler):
    """SMTP as far as a submission client needs it: nothing but EHLO and
    STARTTLS before TLS, no mail before AUTH PLAIN."""

    timeout = 20

    def handle(self):
        with contextlib.suppress(OSError):
            self.secure = self.known = False
            if self.server.sink.tls_first:
                self.start_tls()
            self.say("220 sink.example ESMTP")
            while line := self.rfile.readline().decode().strip():
                verb = line.split()[0].upper()
                if verb == "QUIT":
                    self.say("221 bye")
                    return
                self.answer(verb, line)

    def say(self, *lines):
        for line in lines:
            self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()

    def answer(self, verb, line):
        if verb == "EHLO":
            self.say("250-sink.example",
                     "250 AUTH PLAIN" if self.secure else "250 STARTTLS")
        elif verb == "STARTTLS" and not self.secure:
            self.say("220 go on")
            self.start_tls()
        elif not self.secure:
            self.say("530 5.7.0 TLS first")
        elif verb == "AUTH":
            self.log_in(line)
        elif not self.known:
            self.say("530 5.7.0 who are you?")
        elif verb == "MAIL":
            self.to = []
            self.say("250 ok")
        elif verb == "RCPT" and self.server.sink.refuse:
            self.say(self.server.sink.refuse)
        elif verb == "RCPT":
            self.to.append(line.split("<")[1].split(">")[0])
            self.say("250 ok")
        elif verb == "DATA":
            self.take()
        else:
            self.say("502 5.5.1 what?")

    def start_tls(self):
        self.request = self.server.sink.tls.wrap_socket(
            self.request, server_side=True)
        self.setup()
        self.secure = True

    def log_in(self, line):
        given = line.split()[2:] or [self.ask("334 ")]
        login = base64.b64decode(given[0]).decode().split("\0")[1:]
        self.known = login == self.server.sink.login
        self.say("235 ok" if self.known else "535 5.7.8 wrong password")

    def ask(self, question):
        self.say(question)
        return self.rfile.readline().decode().strip()

    def take(self):
        self.say("354 go on")
        data = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            data += line
        mail = email.message_from_bytes(data, policy=email.policy.default)
        self.server.sink.mails.append((self.to, mail))
        self.say("250 taken")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class MailSink(_Sink):
    """mails: (recipients, message) pairs. refuse: what RCPT is told.
    tls_first: no STARTTLS, TLS from the first byte (RFC 8314)."""

    def __init__(self, cert, user, password, tls_first=False):
        super().__init__(_Server((HOST, 0), _Session))
        self.server.sink = self
        self.tls = tls_of(cert)
        self.tls_first = tls_first
        self.login = [user, password]
        self.mails = []
        self.refuse = None


class _Hook(http.server.BaseHTTPRequestHandler):
    timeout = 20

    def do_POST(self):  # pylint: disable=invalid-name
        sink = self.server.sink
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sink.calls.append((self.headers, body))
        self.send_response(sink.codes.pop(0) if sink.codes else 204)
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class HookSink(_Sink):
    """calls: (headers, body) pairs. codes: what the next ones are answered;
    then 204."""

    def __init__(self, cert):
        server = http.server.ThreadingHTTPServer((HOST, 0), _Hook)
        server.socket = tls_of(cert).wrap_socket(
            server.socket, server_side=True)
        super().__init__(server)
        server.sink = self
        self.calls = []
        self.codes = []
