# SPDX-License-Identifier: Apache-2.0
"""fake_dns: a DNS server that answers whatever a test tells it to, for what no
honest resolver says."""

import socket
import struct
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

HOST = "127.0.0.1"


def reply(query, *records, ad=False, tc=False, rcode="NOERROR"):
    """An answer to query; records: "NAME TTL TYPE DATA"."""
    message = dns.message.make_response(query, recursion_available=True)
    for record in records:
        name, ttl, rdtype, data = record.split(" ", 3)
        message.answer.append(
            dns.rrset.from_text(name, int(ttl), "IN", rdtype, data))
    if ad:
        message.flags |= dns.flags.AD
    if tc:
        message.flags |= dns.flags.TC
    message.set_rcode(dns.rcode.from_text(rcode))
    return message


class FakeDns:
    """answer(query, tcp) gives the messages (or bytes) to send, in order;
    None or [] is silence. It may be replaced while running."""

    def __init__(self, port, answer, host=HOST):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        self.port = port
        self.answer = answer
        self.queries = []  # (source port, query, tcp)
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.threads = []

    def _messages(self, data, source, tcp):
        query = dns.message.from_wire(data)
        self.queries.append((source[1], query, tcp))
        for message in self.answer(query, tcp) or []:
            yield (message if isinstance(message, bytes)
                   else message.to_wire(max_size=65535))

    def _serve_udp(self):
        while True:
            try:
                data, source = self.udp.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            for message in self._messages(data, source, False):
                self.udp.sendto(message, source)

    def _serve_tcp(self):
        while True:
            try:
                s, source = self.tcp.accept()
            except OSError:
                return
            with s:
                s.settimeout(5)
                n = struct.unpack("!H", s.recv(2, socket.MSG_WAITALL))[0]
                data = s.recv(n, socket.MSG_WAITALL)
                for message in self._messages(data, source, True):
                    # in two parts, so that a reader has to put it together
                    wire = struct.pack("!H", len(message)) + message
                    s.sendall(wire[:1])
                    s.sendall(wire[1:])

    def __enter__(self):
        self.udp.bind((self.host, self.port))
        self.tcp.bind((self.host, self.port))
        self.tcp.listen(8)
        for serve in (self._serve_udp, self._serve_tcp):
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def __exit__(self, *_):
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
        with socket.socket(self.udp.family, socket.SOCK_DGRAM) as s:
            s.sendto(b"", (self.host, self.port))
        for thread in self.threads:
            thread.join(5)
        self.udp.close()
