# SPDX-License-Identifier: Apache-2.0
"""raw: sockets without a protocol library, for input no client would send."""

import socket
import ssl
import time

HOST = "127.0.0.1"


def tcp(port, timeout_s=30, host=HOST):
    return socket.create_connection((host, port), timeout=timeout_s)


def udp(port, timeout_s=20, host=HOST):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(timeout_s)
    s.connect((host, port))
    return s


def tls(port, sni, ca=None, timeout_s=30, alpn=None, minimum=None,
        maximum=None):
    """A TLS connection; the certificate is checked when a CA file is
    given. sni None sends none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(ca)
    if alpn:
        context.set_alpn_protocols(alpn)
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if sni is None:
        context.check_hostname = False
    return context.wrap_socket(tcp(port, timeout_s), server_hostname=sni)


def read_all(s, limit=1 << 20):
    """Everything until the peer closes; a reset counts as a close."""
    got = bytearray()
    while len(got) < limit:
        try:
            part = s.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            break
        if not part:
            break
        got += part
    return bytes(got)


def exchange(s, data, limit=1 << 20):
    """Sends, then reads until the peer closes."""
    s.sendall(data)
    return read_all(s, limit)


def drip(s, data, every_s):
    """Sends one byte at a time; gives how many the peer took before it
    closed the connection."""
    for i in range(len(data)):
        try:
            s.sendall(data[i:i + 1])
        except OSError:
            return i
        time.sleep(every_s)
    return len(data)


def listens(port, host=HOST):
    """True if a TCP server answers there."""
    try:
        with tcp(port, 1, host):
            return True
    except OSError:
        return False
