# SPDX-License-Identifier: Apache-2.0
"""senders: the mail hosts under attack, each with a moat of its own, and the
ways each of them sends: with moat's socketmap names as the manual says, and
"control": the same mail server without moat, TLS if it can be had."""

from mail_host import moat_on
from postfix import PostfixSender
from sendmail import SendmailSender

SOCKETMAP = "inet:127.0.0.1:8461"
CONTROL = "control"

CONTROL_POSTFIX = ["smtp_tls_security_level=may", "smtp_tls_policy_maps="]


def _postfix(name, level="dane"):
    return [f"smtp_tls_security_level={level}",
            "smtp_dns_support_level=dnssec",
            f"smtp_tls_policy_maps=socketmap:{SOCKETMAP}:{name}"]


# A profile of moat's configuration, and what it needs of Postfix.
VISIBLE = "visible"
VISIBLE_POSTFIX = [*_postfix(VISIBLE), "smtp_tlsrpt_enable=yes",
                   "smtp_tlsrpt_socket_name=tlsrpt.sock",
                   "smtp_tls_loglevel=routine,untrusted"]

# sender -> release, ways
POSTFIX = {
    "postfix37": ("bookworm", {"sts": _postfix("sts"),
                               CONTROL: CONTROL_POSTFIX}),
    "postfix310": ("trixie", {"sts-tlsrpt": _postfix("sts-tlsrpt"),
                              "dane-sts": _postfix("dane-sts", "may"),
                              VISIBLE: VISIBLE_POSTFIX,
                              CONTROL: CONTROL_POSTFIX}),
}
REPORTING = "postfix310"
# The feature's own -d5 is shorter than moat may take for a first answer.
SENDMAIL = {
    "sts": "FEATURE(`sts', `socket -d10 -T<TMPF> inet:8461@127.0.0.1')dnl",
    CONTROL: "dnl",
}


def start_senders(laboratory, releases, resolver, ca):
    """All of them, started, each with its moat."""
    made = []
    next_hops = {d.name: d.next_hop for d in laboratory.domains if d.next_hop}

    def place_for(name, release, **more):
        host = laboratory.network.host(name)
        laboratory.tempt(host)
        laboratory.begin(moat_on(host, laboratory.folder, resolver.anchor,
                                 ca, **more))
        return laboratory.place(releases[release], host, name)

    for name, (release, ways) in POSTFIX.items():
        made.append(PostfixSender(name, place_for(name, release), ca, ways,
                                  next_hops))
    made.append(SendmailSender("sendmail", place_for(
        "sendmail", "bookworm", mta_dane="no"), ca, SENDMAIL))
    for sender in made:
        laboratory.begin(sender)
        if sender.name == REPORTING:
            laboratory.program(
                laboratory.network.router, "collector",
                sender.place.path / "queue" / "tlsrpt.sock",
                laboratory.folder / "tlsrpt.records")
    return made
