# SPDX-License-Identifier: Apache-2.0
"""collector: a program: takes the TLSRPT events that Postfix hands to
libtlsrpt, in place of a real collector, and writes down for each which domain
it is about and what it says.

usage: collector.py SOCKET RECORDS"""

import json
import os
import socket
import sys

import records

# The result types of RFC 8460 section 4.3 as libtlsrpt numbers them.
RESULTS = {201: "starttls-not-supported", 202: "certificate-host-mismatch",
           203: "certificate-not-trusted", 204: "certificate-expired",
           205: "validation-failure", 301: "sts-policy-fetch-error",
           302: "sts-policy-invalid", 303: "sts-webpki-invalid"}
DATAGRAM_BYTES = 1 << 18


def results(event):
    """The result types in an event; "success" if it has none."""
    found = [RESULTS.get(detail["c"], str(detail["c"]))
             for policy in event["policies"]
             for detail in policy.get("failure-details", [])]
    return found or ["success"]


def main(path, file):
    record = records.writer(file)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        os.chmod(path, 0o666)
        while True:
            event = json.loads(s.recv(DATAGRAM_BYTES))
            for result in results(event):
                record({"domain": event["d"], "result": result})


if __name__ == "__main__":
    main(*sys.argv[1:])
