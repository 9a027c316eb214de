# SPDX-License-Identifier: Apache-2.0
"""dkim: a signer of its own (RFC 6376, relaxed/relaxed, rsa-sha256), so that
what moat verifies is not what moat's library has signed."""

import base64
import hashlib
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SIGNED = ("From", "To", "Subject", "TLS-Report-Domain",
          "TLS-Report-Submitter")


def relaxed_body(body):
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ")
             for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def relaxed_field(name, value):
    value = re.sub(r"[ \t]+", " ", re.sub(r"\r\n", "", value)).strip()
    return f"{name.lower()}:{value}"


class Signer:
    """A domain with a key; record is the TXT record to publish."""

    def __init__(self, domain, selector="sel"):
        self.domain = domain
        self.selector = selector
        self.key = rsa.generate_private_key(65537, 2048)

    @property
    def text(self):
        der = self.key.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)
        return ("v=DKIM1; k=rsa; s=tlsrpt; p="
                + base64.b64encode(der).decode())

    @property
    def record(self):
        """For a zone file; strings of a TXT record hold 255 bytes."""
        parts = re.findall(".{1,200}", self.text)
        return f'{self.selector}._domainkey TXT ' + " ".join(
            f'"{part}"' for part in parts)

    def sign(self, header, body):
        """header: [(name, value)], body: bytes with CR LF; the mail."""
        there = [(n, v) for n, v in header if n in SIGNED]
        digest = base64.b64encode(
            hashlib.sha256(relaxed_body(body)).digest()).decode()
        value = (f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={self.domain}; "
                 f"s={self.selector}; h={':'.join(n for n, _ in there)}; "
                 f"bh={digest}; b=")
        text = "".join(relaxed_field(n, v) + "\r\n" for n, v in there)
        text += relaxed_field("DKIM-Signature", value)
        signature = base64.b64encode(self.key.sign(
            text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        return write([("DKIM-Signature", value + signature)] + header, body)


def write(header, body):
    """A mail as bytes."""
    return "".join(f"{n}: {v}\r\n" for n, v in header).encode() + (
        b"\r\n" + body)
