# SPDX-License-Identifier: Apache-2.0
"""policy_host: a program: the HTTPS server of every policy host, honest or
not. The configuration is a JSON file:
{"listen": address, "pem": path,
 "policies": {host: text}, "records": path}

usage: policy_host.py CONFIG"""

import asyncio
import json
import ssl
import sys
from pathlib import Path

import records
from authority import server_context

PATH = "/.well-known/mta-sts.txt"
IDLE_S = 20
DRIP_S = 0.5


def response(status, body, media="text/plain", more=""):
    return (f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\n{more}"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            f"{body}").encode()


def html(_policy):
    return response("200 OK", "<html><body>Welcome</body></html>",
                    "text/html")


def huge(policy):
    return response("200 OK", policy + "x: y\n" * (1 << 18))


def redirect(_policy):
    return response("302 Found", "", more="Location: https://"
                    f"mx.attacker.plain{PATH}\r\n")


def missing(_policy):
    return response("404 Not Found", "nothing here\n")


def served(policy):
    return response("200 OK", policy)


BODIES = {"html": html, "huge": huge, "redirect": redirect,
          "missing": missing, "drip": served, "served": served}


async def answer(reader, writer, policies, kind, record):
    """One request. kind is one of BODIES, by local address."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
        host = next(line.split(":", 1)[1].strip() for line
                    in head.decode("latin-1").split("\r\n")
                    if line.lower().startswith("host:"))
        record({"who": "policy", "host": host, "kind": kind})
        body = BODIES[kind](policies.get(host, ""))
        if host not in policies and kind == "served":
            body = missing("")
        step = 1 if kind == "drip" else len(body)
        for i in range(0, len(body), step):
            writer.write(body[i:i + step])
            await writer.drain()
            if kind == "drip":
                await asyncio.sleep(DRIP_S)
    except (OSError, ssl.SSLError, asyncio.TimeoutError, StopIteration,
            asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def main(config):
    record = records.writer(config["records"])
    context = server_context(config["pem"])

    async def client(reader, writer):
        await answer(reader, writer, config["policies"], "served", record)

    async with await asyncio.start_server(
            client, config["listen"], 443, ssl=context) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
