# SPDX-License-Identifier: Apache-2.0
"""authority: certificates, good and bad: from the authority that every sender
trusts, or from one that nobody does; with the key of the honest hosts, or
with the attacker's own."""

import datetime
import hashlib
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class Authority:
    """folder gets ca.pem and a NAME.pem (certificate and key) per issue."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.now = datetime.datetime.now(datetime.timezone.utc)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.good_key = ec.generate_private_key(ec.SECP256R1())
        self.attacker_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._root("Laboratory CA")
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes(_pem(self.root))

    def _root(self, text):
        return (self._builder(_name(text), _name(text), self.key.public_key(),
                              self.now - DAY, self.now + 30 * DAY)
                .add_extension(x509.BasicConstraints(True, 0), True)
                .sign(self.key, hashes.SHA256()))

    def _builder(self, subject, issuer, public_key, since, until):
        return (x509.CertificateBuilder().subject_name(subject)
                .issuer_name(issuer).public_key(public_key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(since).not_valid_after(until))

    def issue(self, file, names, honest=False, expired=False,
              self_signed=False, unknown_ca=False):
        """Writes FILE.pem for the names; gives its path."""
        key = self.good_key if honest else self.attacker_key
        issuer = self.root.subject
        signer = self.key
        if unknown_ca:
            issuer = _name("Unknown CA")
            signer = ec.generate_private_key(ec.SECP256R1())
        if self_signed:
            issuer, signer = _name(names[0][:60]), key
        until = self.now + (-DAY if expired else 20 * DAY)
        alternatives = [x509.DNSName(name) for name in names]
        made = (self._builder(_name(names[0][:60]), issuer,
                              key.public_key(),
                              self.now - 2 * DAY, until)
                .add_extension(
                    x509.SubjectAlternativeName(alternatives), False)
                .sign(signer, hashes.SHA256()))
        path = self.folder / f"{file}.pem"
        path.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()) + _pem(made))
        return path

    def tlsa(self):
        """TLSA RDATA of the honest hosts' key, 3 1 1 (RFC 7672 3.1.1)."""
        spki = self.good_key.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"3 1 1 {hashlib.sha256(spki).hexdigest()}"


def server_context(pem, old=False):
    """A TLS server with that certificate; old: TLS 1.0 and nothing later."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(pem)
    return context
