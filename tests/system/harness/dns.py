# SPDX-License-Identifier: Apache-2.0
"""dns: questions to a server on a port, by dnspython."""

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

HOST = "127.0.0.1"


def ask(port, name, rdtype="A", tcp=False, timeout_s=20, want_dnssec=False,
        host=HOST):
    """The whole answer as a dns.message.Message. TimeoutError without one."""
    query = dns.message.make_query(name, rdtype, use_edns=0, payload=1232,
                                   want_dnssec=want_dnssec)
    send = dns.query.tcp if tcp else dns.query.udp
    try:
        return send(query, host, timeout=timeout_s, port=port)
    except dns.exception.Timeout as e:
        raise TimeoutError(f"no answer for {name} {rdtype}") from e


def rcode(message):
    return dns.rcode.to_text(message.rcode())


def rdata(message, rdtype, section="answer"):
    """The sorted texts of the records of one type in a section."""
    wanted = dns.rdatatype.from_text(rdtype)
    return sorted(rr.to_text() for rrset in getattr(message, section)
                  if rrset.rdtype == wanted for rr in rrset)


def txt(port, name):
    """The TXT strings at a name, unquoted and joined per record."""
    answer = ask(port, name, "TXT")
    return sorted(b"".join(rr.strings).decode() for rrset in answer.answer
                  if rrset.rdtype == dns.rdatatype.TXT for rr in rrset)


def serial(port, zone, timeout_s=3):
    """The SOA serial, or None if the server does not serve the zone."""
    answer = ask(port, zone, "SOA", timeout_s=timeout_s)
    for rrset in answer.answer:
        if rrset.rdtype == dns.rdatatype.SOA:
            return rrset[0].serial
    return None
