# SPDX-License-Identifier: Apache-2.0
"""policy_host: HTTPS servers as bad as a test wants them, and certificates
for them."""

import contextlib
import datetime
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
DAY = datetime.timedelta(days=1)
WAIT_S = 20


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A CA of its own in folder; .file is its certificate."""

    def __init__(self, folder, name="test CA"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name_of(name)
        self.cert = self._sign(self.name, self.key.public_key(), -DAY, DAY,
                               [(x509.BasicConstraints(True, None), True)])
        self.file = self.folder / f"{name}.pem".replace(" ", "-")
        self.file.write_bytes(pem(self.cert))

    def _sign(self, subject, public, since, until, extensions):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject)
                   .issuer_name(self.name).public_key(public)
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now + since).not_valid_after(now + until))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, *names, subject="x", since=-DAY, until=DAY,
              self_signed=False, by_rsa=False):
        """A file with certificate and key for DNS names and IP addresses."""
        key = (rsa.generate_private_key(65537, 2048) if by_rsa
               else ec.generate_private_key(ec.SECP256R1()))
        extensions = []
        if names:
            extensions = [(x509.SubjectAlternativeName(
                [x509.DNSName(n) if isinstance(n, str) else x509.IPAddress(n)
                 for n in names]), False)]
        signer = self
        if self_signed:
            signer = Authority.__new__(Authority)
            signer.key, signer.name = key, name_of(subject)
        cert = Authority._sign(signer, name_of(subject), key.public_key(),
                               since, until, extensions)
        file = self.folder / f"{cert.serial_number:x}.pem"
        file.write_bytes(pem(cert) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return file


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def answer(body, *headers, status="200 OK", length=True,
           content_type="text/plain"):
    """An HTTP/1.1 response as bytes."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class PolicyHost:
    """Gives response (bytes, or a function of the connection) to each who
    connects. cert None: no TLS, and unasked. bye: end with close_notify."""

    def __init__(self, cert, response, versions=(None, None), bye=True,
                 address=HOST):
        self.response = response
        self.bye = bye
        self.requests = []
        self.names = []
        self.context = None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert)
            self.context.sni_callback = self._note_name
            self._set_versions(*versions)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _set_versions(self, least, most):
        if most:
            self.context.set_ciphers("ALL:@SECLEVEL=0")
            self.context.minimum_version = least or most
            self.context.maximum_version = most

    def _note_name(self, _, name, __):
        self.names.append(name)

    def _serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                self._talk(connection)

    def _talk(self, connection):
        connection.settimeout(WAIT_S)
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection:
            request = b""
            while self.context and b"\r\n\r\n" not in request:
                more = connection.recv(4096)
                if not more:
                    return
                request += more
            self.requests.append(request.decode())
            if callable(self.response):
                self.response(connection, self.stop)
            else:
                connection.sendall(self.response)
            if self.bye and self.context:
                connection.unwrap()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(WAIT_S)
