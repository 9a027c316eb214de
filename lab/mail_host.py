# SPDX-License-Identifier: Apache-2.0
"""mail_host: a moat beside each sender, as its operator would run it: the role
policy alone, on the port that main.cf names, validating with the laboratory's
root and trusting the laboratory's authority. Public addresses only, as in
life: that is what one of the attacks is about."""

from harness.moat import Moat
from names import RESOLVER, TTL_S


def settings(anchor, ca, **more):
    return {
        "server": {"roles": "policy"},
        "policy": {
            "listen": "127.0.0.1:8461",
            "resolver": f"{RESOLVER}:53",
            "dnssec": "validate",
            "root_anchor": anchor,
            "ca_file": ca,
            # The laboratory has no time to waste: what is slow for longer
            # than this is down, and every answer asks DNS again.
            "answer_time": "5s",
            "fetch_time": "10s",
            "grace": f"{TTL_S}s",
        } | more,
        "profile visible": {"kind": "sts-tlsrpt", "visibility": "yes"},
    }


def moat_on(host, folder, anchor, ca, **more):
    """A moatd on a host, not yet started; more: of section policy."""
    return Moat(folder / f"{host.name}-moat", settings(anchor, ca, **more),
                netns=host.netns)
