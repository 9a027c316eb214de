# SPDX-License-Identifier: Apache-2.0
"""Policies, also of those who mean no good, as the real Postfix gets to know
them: a reply never carries what a stranger wrote (RFC 8461 section 3.2 has
fields for everybody), is never too long, and each key gets its answer."""

import os
import re
from pathlib import Path

import pytest

from harness.postmap import Postmap
from harness.process import Process

ENFORCE = "version: STSv1\nmode: enforce\nmax_age: 604800\n"
TESTING = "version: STSv1\r\nmode: testing\r\nmax_age: 60\r\n"
LIMIT = 64 * 1024

HOST = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
ATTRIBUTES = (
    rf" match=\.?{HOST}(?::\.?{HOST})*",
    r" servername=hostname",
    r" policy_type=sts",
    rf" policy_domain={HOST}",
    r" \{ policy_string = version: STSv1 \}",
    r" \{ policy_string = mode: (?:enforce|testing) \}",
    rf" \{{ policy_string = mx: (?:\*\.)?{HOST} \}}",
    r" \{ policy_string = max_age: [0-9]{1,8} \}",
    rf" mx_host_pattern=(?:\*\.)?{HOST}",
    r" policy_failure=sts-policy-invalid",
)
REPLY = re.compile(rf"(?:secure|may)(?:{'|'.join(ATTRIBUTES)})*")

HOSTILE = {
    "braces": ENFORCE + "mx: mx.example.com\n"
              "foo: x } tafile=/etc/passwd { policy_string = y\n",
    "attribute": ENFORCE + "mx: mx.example.com\n"
                 "mx: evil.example ciphers=low\n",
    "comma": ENFORCE + "mx: mx.example.com, tafile=/etc/passwd\n",
    "equals": ENFORCE + "mx: tafile=/etc/passwd\n",
    "colon": ENFORCE + "mx: mx.example.com:evil.example\n",
    "address": ENFORCE + "mx: 192.0.2.1\n",
    "brackets": ENFORCE + "mx: [192.0.2.1]\n",
    "keyword": ENFORCE + "mx: hostname\nmx: nexthop\nmx: dot-nexthop\n",
    "keywords": ENFORCE + "mx: HOSTNAME\nmx: mx.example.com\n",
    "control": ENFORCE + "mx: mx.example.com\nx: \x1b[2J\n",
    "netstring": ENFORCE + "mx: mx.example.com\nx: ,9:NOTFOUND ,\n",
    "nul": ENFORCE + "mx: mx.example.com\nx: \0\n",
    "vertical": ENFORCE + "mx: mx.example.com\vtafile=/etc/passwd\n",
    "mode": "version: STSv1\nmode: enforce } tafile=x\nmax_age: 1\nmx: a.b\n",
    "age": "version: STSv1\nmode: enforce\nmax_age: 1 tafile=x\nmx: a.b\n",
    "version": "version: STSv1 tafile=x\nmode: enforce\nmax_age: 1\nmx: a.b\n",
    "html": "<html>\n<body>policy</body>\n</html>\n",
    "empty": "",
    "large": ENFORCE + "mx: mx.example.com\n" + "x: y\n" * LIMIT,
}


def many(line):
    """A policy of just under 64 KiB."""
    text = [ENFORCE]
    size = len(ENFORCE)
    while size < LIMIT - 100:
        text.append(line.format(len(text)))
        size += len(text[-1])
    return "".join(text)


@pytest.fixture(name="served")
def fixture_served(stack, tmp_path):
    """put(domain, policy) and ask(map, key)."""
    folder = tmp_path / "policies"
    folder.mkdir()
    server = stack.enter_context(Process(
        [Path(os.environ["MOAT_BUILD"]) / "tests/system/tools/policy_serve",
         folder], tmp_path / "server"))
    server.wait_log("listening")
    port = re.search(r"listening on (\d+)", server.log_text()).group(1)
    postmap = Postmap(tmp_path / "postfix", f"inet:127.0.0.1:{port}")

    def put(domain, text):
        (folder / domain).write_bytes(text.encode())

    return put, postmap.ask


def test_ordinary(served):
    put, ask = served
    put("d.example", ENFORCE + "mx: mx1.d.example\nmx: *.mail.example\n")
    put("t.example", TESTING + "mx: mx1.t.example\r\n")
    put("xn--bcher-kva.example", ENFORCE + "mx: a.example\n")
    secure = "secure match=mx1.d.example:.mail.example servername=hostname"
    assert ask("sts", "d.example") == secure
    assert ask("sts", "D.Example:25") == secure
    # a next hop in brackets is itself the only host, and no MX of this policy
    assert ask("sts", "[d.example]:25") == (
        "secure match=mx1.d.example servername=hostname")
    assert ask("sts", "bücher.example") == (
        "secure match=a.example servername=hostname")
    assert ask("sts-tlsrpt", "d.example") == (
        secure + " policy_type=sts policy_domain=d.example"
        " { policy_string = version: STSv1 }"
        " { policy_string = mode: enforce }"
        " { policy_string = mx: mx1.d.example }"
        " { policy_string = mx: *.mail.example }"
        " { policy_string = max_age: 604800 }"
        " mx_host_pattern=mx1.d.example mx_host_pattern=*.mail.example")
    assert ask("sts", "t.example") is None
    assert ask("sts-tlsrpt", "t.example").startswith("may servername=")
    for key in ("no.example", ".d.example", ".example", "192.0.2.1",
                "[192.0.2.1]:25", "[2001:db8::1]", "no domain"):
        assert ask("sts", key) is None, key
    with pytest.raises(RuntimeError, match="DANE"):
        ask("sts", "d.temp")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(served, name):
    put, ask = served
    put("d.example", HOSTILE[name])
    for profile in ("sts", "sts-tlsrpt"):
        said = ask(profile, "d.example")
        assert said is None or REPLY.fullmatch(said), said
        assert "tafile" not in (said or "")
        assert not re.search(r"match=(.*:)?(hostname|nexthop|dot-nexthop)\b",
                             said or "", re.IGNORECASE), said


@pytest.mark.parametrize("line", ["mx:a{}\n", "mx:a{:05}\n", "mx:*.a{:05}\n",
                                  "mx: {:050}.example\n"])
def test_largest(served, line):
    put, ask = served
    put("d.example", many(line))
    for profile in ("sts", "sts-tlsrpt"):
        said = ask(profile, "d.example")
        assert said.startswith("secure match="), said[:100]
        assert REPLY.fullmatch(said), said[:200]
        assert len(said) < 100000
        assert said.split()[1].count(":") > 900
