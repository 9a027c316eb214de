# SPDX-License-Identifier: Apache-2.0
"""recorder: a program: the mailbox behind the honest Postfix. It takes what
Postfix hands it by LMTP and writes down whether the message had come to
Postfix through TLS, which Postfix notes in the uppermost Received field.

usage: recorder.py PORT RECORDS"""

import asyncio
import re
import sys

import records
from smtp_server import serve


def received_tls(head):
    """The TLS version in the first Received field, or None."""
    first = re.split(r"\n(?=\S)", head)
    top = next((f for f in first if f.lower().startswith("received:")), "")
    found = re.search(r"\(using (TLS\S+)", top)
    return found[1] if found else None


async def main(port, path):
    record = records.writer(path)

    def taken(what):
        record({"who": "mx", "to": what["to"],
                "tls": received_tls(what["head"])})

    async def client(reader, writer):
        await serve(reader, writer, record=taken)

    async with await asyncio.start_server(client, "127.0.0.1",
                                          int(port)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
