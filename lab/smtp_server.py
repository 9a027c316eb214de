# SPDX-License-Identifier: Apache-2.0
"""smtp_server: a small SMTP and LMTP server that takes every message, and can
be told to misbehave around STARTTLS. It takes the bodies too, and tells who
asked for it what came, and how."""

import asyncio
import re
import ssl

IDLE_S = 30
LINE_BYTES = 8192


class Session:
    """One client. tls: an ssl context or None for no STARTTLS. injected:
    bytes sent right after the 220 to STARTTLS, in clear. record is called
    with {to, tls, head} per recipient."""

    def __init__(self, reader, writer, record, tls=None, injected=b""):
        self.reader = reader
        self.writer = writer
        self.record = record
        self.tls = tls
        self.injected = injected
        self.lmtp = False
        self.recipients = []
        self.secured = None

    async def reply(self, text):
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def line(self):
        got = await asyncio.wait_for(self.reader.readline(), IDLE_S)
        return got.decode("latin-1").rstrip("\r\n") if got else None

    async def run(self):
        await self.reply("220 mx.invalid ESMTP")
        while (line := await self.line()) is not None:
            verb = re.match(r"[A-Za-z]*", line)[0].upper()
            step = getattr(self, f"do_{verb.lower()}", None)
            if verb == "QUIT":
                await self.reply("221 bye")
                return
            if step is None:
                await self.reply("250 ok")
            else:
                await step(line)

    async def do_ehlo(self, _line):
        lines = ["mx.invalid", "8BITMIME"]
        if self.tls is not None and self.secured is None:
            lines.append("STARTTLS")
        for i, word in enumerate(lines):
            await self.reply(f"250{' ' if i == len(lines) - 1 else '-'}{word}")

    async def do_lhlo(self, line):
        self.lmtp = True
        await self.do_ehlo(line)

    async def do_starttls(self, _line):
        if self.tls is None:
            await self.reply("454 4.7.0 TLS not available")
            return
        self.writer.write(b"220 go ahead\r\n" + self.injected)
        await self.writer.drain()
        await self.writer.start_tls(self.tls, ssl_handshake_timeout=IDLE_S)
        self.secured = self.writer.get_extra_info("ssl_object").version()

    async def do_rcpt(self, line):
        found = re.search(r"<([^>]*)>", line)
        self.recipients.append(found[1] if found else line)
        await self.reply("250 ok")

    async def do_rset(self, _line):
        self.recipients = []
        await self.reply("250 ok")

    async def do_data(self, _line):
        await self.reply("354 go ahead")
        head = await self._message()
        for to in self.recipients:
            self.record({"to": to, "tls": self.secured, "head": head})
        for _ in self.recipients if self.lmtp else [1]:
            await self.reply("250 taken")
        self.recipients = []

    async def _message(self):
        """Reads to the final dot; gives the header lines."""
        head, in_head = [], True
        while (line := await self.line()) not in (".", None):
            in_head = in_head and line != ""
            if in_head:
                head.append(line)
        return "\n".join(head)


async def serve(reader, writer, **options):
    """One connection from beginning to end, whatever the client does."""
    try:
        await Session(reader, writer, **options).run()
    except (OSError, ssl.SSLError, asyncio.TimeoutError, ValueError,
            asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
