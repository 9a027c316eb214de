# SPDX-License-Identifier: Apache-2.0
"""intake_mails: report mails as senders make them (RFC 8460 section 5.3), each
with a report of its own, signed or not."""

import base64
import gzip
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/system"))
from harness import dkim  # pylint: disable=wrong-import-position

DOMAINS = 100  # as in intake_speed.c
SENDER = "reports.example"
RESULTS = ("certificate-expired", "starttls-not-supported",
           "certificate-host-mismatch")


def failure(number, i):
    return {"result-type": RESULTS[i % 3],
            "sending-mta-ip": f"2001:db8:abcd:{number % 40:x}::{i:x}",
            "receiving-mx-hostname": f"mx{i % 5}.mail.example.net",
            "receiving-ip": f"203.0.113.{i % 250}",
            "failed-session-count": 60 + i % 7,
            "failure-reason-code": "X509_V_ERR_CERT_HAS_EXPIRED"}


def report(number, failures):
    """Two policies, as senders write them who know DANE too."""
    domain = f"d{number % DOMAINS}.example"
    sts = {"policy": {"policy-type": "sts", "policy-domain": domain,
                      "policy-string": ["version: STSv1", "mode: enforce",
                                        "mx: *.mail.example.net",
                                        "max_age: 604800"],
                      "mx-host": ["*.mail.example.net"]},
           "summary": {"total-successful-session-count": 5326 + number,
                       "total-failure-session-count": 70 * failures},
           "failure-details": [failure(number, i) for i in range(failures)]}
    tlsa = {"policy": {"policy-type": "tlsa", "policy-domain": domain,
                       "policy-string": ["3 1 1 " + "1F850A337E6DB9C6" * 4]},
            "summary": {"total-successful-session-count": 12,
                        "total-failure-session-count": 0}}
    return {"organization-name": f"Company {number % 25}",
            "date-range": {"start-datetime": "2026-11-20T00:00:00Z",
                           "end-datetime": "2026-11-20T23:59:59Z"},
            "contact-info": f"tls@{SENDER}",
            "report-id": f"2026-11-20T00:00:00Z_{number}@{SENDER}",
            "policies": [sts, tlsa]}


def mail_parts(number, failures):
    domain = f"d{number % DOMAINS}.example"
    text = json.dumps(report(number, failures)).encode()
    packed = base64.encodebytes(gzip.compress(text)).replace(b"\n", b"\r\n")
    header = [
        ("From", f"tls@{SENDER}"), ("To", "tls-reports@rua.example.net"),
        ("Subject", f"Report Domain: {domain} Submitter: {SENDER} "
         f"Report-ID: <{number}@{SENDER}>"),
        ("Date", "Sat, 21 Nov 2026 01:02:03 +0000"),
        ("Message-ID", f"<{number}@{SENDER}>"),
        ("TLS-Report-Domain", domain), ("TLS-Report-Submitter", SENDER),
        ("MIME-Version", "1.0"),
        ("Content-Type",
         'multipart/report; report-type="tlsrpt"; boundary="boundary"')]
    body = (b"--boundary\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
            b"This is an aggregate TLS report.\r\n"
            b"--boundary\r\nContent-Type: application/tlsrpt+gzip\r\n"
            b"Content-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="' + SENDER.encode()
            + f"!{domain}!1795132800!1795219199!{number}.json.gz".encode()
            + b'"\r\n\r\n' + packed + b"--boundary--\r\n")
    return header, body, text


def make(folder, mails, failures, signer=None):
    """Fills a folder; (bytes of a mail, of its report)."""
    folder.mkdir()
    (folder / "keys").write_text(
        "" if signer is None else
        f"{signer.selector}._domainkey.{SENDER} {signer.text}\n")
    for number in range(mails):
        header, body, text = mail_parts(number, failures)
        mail = (signer.sign if signer else dkim.write)(header, body)
        (folder / f"{number:06}.eml").write_bytes(mail)
    return len(mail), len(text)


def signer():
    return dkim.Signer(SENDER)
