# SPDX-License-Identifier: Apache-2.0
"""scenarios: what is attacked, how, and what must come of it. Expectations
are read from RFC 8461, RFC 7672 and the manuals of the mail servers, not from
what moat does. A row that differs from the others has its reason beside it.

Every scenario is played in domains of its own: NAME-cold.plain, which no
sender has heard of before the attack begins, and NAME-warm.plain, to which
each of them has delivered once before. In texts, {D} is the domain, {MX} its
MX host.
"""

from dataclasses import dataclass, field

# What may become of a message.
SAFE = "safe"               # it reached the real MX host, through TLS
HELD = "held"               # it waits with the sender; nobody has it
BOUNCED = "bounced"         # the sender gave up; nobody has it
READ_CLEAR = "read clear"   # the attacker has it, and got it in clear
READ_TLS = "read tls"       # the attacker has it; he had a certificate

# What a domain is told about a TLS session, if not one of RFC 8460's words.
SUCCESS = "success"
NOTHING = "nothing"

# Reasons why a row is not SAFE or HELD; the table shows them.
GAP = "first contact"       # RFC 8461 section 10.2: nothing was known yet
ASKED = "not enforced"      # the policy's own mode, or no valid policy at all
REPORT = "report mail"      # RFC 8460 section 5.3.1: let through by header
LIMIT = "limit of the MTA"  # the MTA cannot do it, whatever it is told
OVER = "expired"            # RFC 8461 section 3.2: max_age is over

ATTACKER = "mx.attacker.plain"
ENFORCE = ("version: STSv1\r\nmode: enforce\r\nmx: {MX}\r\n"
           "max_age: 604800\r\n")


@dataclass(frozen=True)
class Outcome:
    """What is expected, and why, if it is not what everybody would want."""

    what: str
    why: str = ""


@dataclass(frozen=True)
class Scenario:
    """smtp, https and answers are what the attacker does; see attacker.py.
    expect: by cache state; senders: exceptions by "SENDER" or "SENDER WAY"
    and cache state.
    control: what happens without moat. report: what Postfix 3.10 tells the
    domain of a cold try, with "visibility"; None: not looked at. header: one
    more of the message. next_hop: what the sender's transport table says for
    the domain; then the policy is that of the smart host, which is {MX} (RFC
    8461 section 3.4). sni: the MX host shows its certificate to those who
    name it, and to others another one. only: these senders; (): all."""

    name: str
    about: str
    expect: dict
    control: str = READ_CLEAR
    senders: dict = field(default_factory=dict)
    signed: bool = False
    tlsa: bool = False
    second_mx: bool = False     # mx2, less preferred, never attacked, no TLSA
    policy: str | None = ENFORCE
    smtp: dict = field(default_factory=dict)
    https: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    report: str | None = None
    header: str = ""
    next_hop: str = ""
    sni: bool = False
    only: tuple = ()

    def is_played_by(self, sender):
        return not self.only or sender in self.only

    @property
    def caches(self):
        return [c for c in ("cold", "warm") if c in self.expect]

    def expected(self, sender, way, cache):
        """cache may also be "control"."""
        for key in (f"{sender} {way}", sender):
            if cache in self.senders.get(key, {}):
                return self.senders[key][cache]
        if cache == "control":
            return Outcome(self.control)
        return self.expect[cache]


STOPPED = {"cold": Outcome(HELD), "warm": Outcome(HELD)}
BLINDED = {"cold": Outcome(READ_CLEAR, GAP), "warm": Outcome(HELD)}
UNHARMED = {"cold": Outcome(SAFE), "warm": Outcome(SAFE)}
UNENFORCED = {"cold": Outcome(READ_CLEAR, ASKED),
              "warm": Outcome(READ_CLEAR, ASKED)}

# Those whose transport tables name smart hosts as next hops.
POSTFIX = ("postfix37", "postfix310")

# The header of RFC 8689 section 5, which mail with TLS reports carries. Postfix
# knows it since 3.10; before, and with Sendmail, such mail needs a way of its
# own without moat, which is what "control" is.
NOT_REQUIRED = "TLS-Required: no"
UNKNOWN_HEADER = {sender: {cache: Outcome(HELD, LIMIT)
                           for cache in ("cold", "warm")}
                  for sender in ("postfix37", "sendmail")}

# Debian builds Sendmail without DANE; "strings" finds no such option in it.
NO_DANE = {"sendmail": {"cold": Outcome(READ_TLS, LIMIT)}}
# So its moat is told that MTA-STS alone decides.
STS_ALONE = {"sendmail": {"cold": Outcome(HELD, "the policy, not DANE")}}

# RFC 8461 section 5.1 wants a failure to be temporary; where TLS is a must,
# Postfix takes a permanent error at its word.
GIVES_UP = {sender: {cache: Outcome(BOUNCED, LIMIT)
                     for cache in ("cold", "warm")}
            for sender in ("postfix37", "postfix310")}

# A socketmap can name one level for all MX hosts of a domain. With the default
# level dane the policy in force takes the place of DANE for some of them; with
# the way dane-sts it is the other way round, so that is HELD.
ONE_LEVEL = {"postfix37": {"cold": Outcome(READ_TLS, LIMIT)},
             "postfix310 sts-tlsrpt": {"cold": Outcome(READ_TLS, LIMIT)},
             "postfix310 visible": {"cold": Outcome(READ_TLS, LIMIT)},
             "sendmail": {"cold": Outcome(READ_TLS, LIMIT)}}

STRIP = {"kind": "strip"}


def pose(pem, **more):
    return {"kind": "pose", "pem": pem, **more}


FLIPPED = {"_mta-sts.{D} TXT": ['"v=STSv1; id=forged"']}
SPOOFED = {"{D} MX": [f"10 {ATTACKER}."]}
DEEP = {"{D} MX": ["10 a.b.{D}."], "a.b.{D} A": ["44.128.40.2"]}

# The domain's owner tries to reach Postfix's policy table through his policy.
HOSTILE = ("version: STSv1\r\nmode: enforce\r\nmx: {MX}\r\n"
           f"match: {ATTACKER}\r\n"
           f"x-a: y }} match={ATTACKER} tafile=/etc/passwd {{ policy_string = "
           "z\r\n"
           f"x-b: OK may match=nexthop:{ATTACKER} ciphers=null\r\n"
           "max_age: 604800\r\n")
HOSTILE_MX = ("version: STSv1\r\nmode: enforce\r\nmx: {MX}\r\n"
              f"mx: {{MX}} match={ATTACKER}\r\nmax_age: 604800\r\n")

# The reply that begins with what the client will read next, if it forgets
# that nothing before the handshake counts.
INJECTED = ("250-mx.invalid\r\n250 SMTPUTF8\r\n250 ok\r\n250 ok\r\n"
            "354 go ahead\r\n250 taken\r\n")


def at_mx(name, about, smtp, control=READ_TLS, report=None):
    return Scenario(name, about, STOPPED, control, smtp=smtp, report=report)


def at_policy_host(name, about, **https):
    """The policy host is attacked, a new id makes senders ask it, and the
    mail itself is attacked by stripping STARTTLS."""
    return Scenario(name, about, BLINDED, smtp=STRIP, https=https,
                    answers=FLIPPED)


def mode(name):
    return ENFORCE.replace("enforce", name)


SCENARIOS = (
    Scenario("good", "no attack", UNHARMED, control=SAFE, report=SUCCESS),
    Scenario("wildcard-good", "no attack, the policy has a wildcard",
             UNHARMED, control=SAFE,
             policy=ENFORCE.replace("{MX}", "*.{D}")),

    at_mx("strip", "STARTTLS stripped", STRIP, READ_CLEAR,
          "starttls-not-supported"),
    at_mx("junk", "STARTTLS replaced by junk", {"kind": "junk"}, READ_CLEAR),
    at_mx("refuse", "454 to STARTTLS", {"kind": "refuse"}, READ_CLEAR),
    Scenario("error", "500 to STARTTLS", STOPPED, READ_CLEAR, GIVES_UP,
             smtp={"kind": "error"}),
    at_mx("inject", "replies injected after the 220 to STARTTLS",
          pose("self-signed", injected=INJECTED)),
    at_mx("wrong-name", "MX certificate for another name", pose("attacker"),
          report="certificate-host-mismatch"),
    at_mx("expired", "MX certificate expired", pose("expired"),
          report="certificate-expired"),
    at_mx("self-signed", "MX certificate self-signed", pose("self-signed"),
          report="validation-failure"),
    at_mx("unknown-ca", "MX certificate of an unknown CA",
          pose("unknown-ca")),
    Scenario("tls10", "MX host speaks TLS 1.0 only", STOPPED, READ_TLS,
             {"sendmail": {"control": Outcome(HELD, "no TLS 1.0")}},
             smtp=pose("misissued", old=True)),
    Scenario("mx-spoof", "MX record spoofed to a host with its own valid "
             "certificate", STOPPED, READ_TLS, answers=SPOOFED),
    Scenario("wildcard", "MX record spoofed to a name two labels below the "
             "wildcard, with a valid certificate", STOPPED, READ_TLS,
             policy=ENFORCE.replace("{MX}", "*.{D}"), answers=DEEP),

    Scenario("second-mx", "STARTTLS stripped at the first of two MX hosts, "
             "the policy names both", UNHARMED, READ_CLEAR, second_mx=True,
             policy=ENFORCE.replace("mx: {MX}", "mx: {MX}\r\nmx: mx2.{D}"),
             smtp=STRIP),

    Scenario("txt-removed", "_mta-sts TXT removed, STARTTLS stripped",
             BLINDED, smtp=STRIP, answers={"_mta-sts.{D} TXT": None}),
    Scenario("txt-doubled", "_mta-sts TXT doubled, STARTTLS stripped",
             BLINDED, smtp=STRIP,
             answers={"_mta-sts.{D} TXT": ['"v=STSv1; id=one"',
                                           '"v=STSv1; id=two"']}),
    Scenario("txt-forged", "_mta-sts TXT forged, STARTTLS stripped",
             STOPPED, smtp=STRIP, answers=FLIPPED),
    at_policy_host("id-flip", "id flipped and HTTPS blocked",
                   route="blackhole"),
    at_policy_host("https-down", "policy host down", route="unreachable"),
    at_policy_host("https-redirect", "policy host redirects",
                   kind="redirect", pem="policy"),
    at_policy_host("https-404", "policy host says 404", kind="missing",
                   pem="policy"),
    at_policy_host("https-html", "policy host sends HTML", kind="html",
                   pem="policy"),
    at_policy_host("https-1mb", "policy host sends 1 MB", kind="huge",
                   pem="policy"),
    at_policy_host("https-drip", "policy host drips", kind="drip",
                   pem="policy"),
    at_policy_host("https-wrong-name", "policy host certificate for another "
                   "name", kind="served", pem="attacker"),
    at_policy_host("https-expired", "policy host certificate expired",
                   kind="served", pem="policy-expired"),
    Scenario("https-loopback", "policy host's address is 127.0.0.1",
             BLINDED, smtp=STRIP,
             answers={**FLIPPED, "mta-sts.{D} A": ["127.0.0.1"]}),

    Scenario("attributes", "Postfix attributes in unknown policy fields, "
             "MX record spoofed", STOPPED, READ_TLS, policy=HOSTILE,
             answers=SPOOFED),
    Scenario("attributes-mx", "Postfix attributes in an mx field (the policy "
             "is invalid), MX record spoofed",
             {"cold": Outcome(READ_TLS, ASKED)}, READ_TLS, policy=HOSTILE_MX,
             answers=SPOOFED),

    Scenario("dane-good", "DANE, no attack", {"cold": Outcome(SAFE)}, SAFE,
             signed=True, tlsa=True, policy=None),
    Scenario("dane-mismatch", "DANE, certificate does not match",
             {"cold": Outcome(HELD)}, READ_TLS, NO_DANE, signed=True,
             tlsa=True, policy=None, smtp=pose("misissued")),
    Scenario("dane-bogus", "DANE, TLSA record forged",
             {"cold": Outcome(HELD)}, READ_TLS, signed=True, tlsa=True,
             policy=None, senders=NO_DANE, smtp=pose("misissued"),
             answers={"_25._tcp.{MX} TLSA": ["3 1 1 " + "ab" * 32]}),
    Scenario("dane-conflict", "DANE, no attack, an MTA-STS policy that names "
             "another host", {"cold": Outcome(SAFE)}, SAFE, STS_ALONE,
             signed=True, tlsa=True,
             policy=ENFORCE.replace("{MX}", "other.{D}")),
    Scenario("dane-both", "DANE and MTA-STS, a certificate that satisfies "
             "neither", {"cold": Outcome(HELD)}, READ_TLS, signed=True,
             tlsa=True, smtp=pose("self-signed")),
    Scenario("dane-first", "DANE, certificate does not match, but MTA-STS is "
             "satisfied", {"cold": Outcome(HELD)}, READ_TLS, NO_DANE,
             signed=True, tlsa=True, smtp=pose("misissued")),

    Scenario("dane-some", "DANE for the first MX host only, whose certificate "
             "satisfies MTA-STS but not DANE", {"cold": Outcome(HELD)},
             READ_TLS, ONE_LEVEL, signed=True, tlsa=True, second_mx=True,
             policy=ENFORCE.replace("mx: {MX}", "mx: {MX}\r\nmx: mx2.{D}"),
             smtp=pose("misissued")),

    Scenario("testing", "mode testing, STARTTLS stripped", UNENFORCED,
             policy=mode("testing"), smtp=STRIP, report=NOTHING),
    Scenario("testing-tls", "mode testing, MX certificate self-signed",
             {"cold": Outcome(READ_TLS, ASKED)}, READ_TLS,
             policy=mode("testing"), smtp=pose("self-signed"),
             report="validation-failure"),
    Scenario("testing-name", "mode testing, MX certificate for another name",
             {"cold": Outcome(READ_TLS, ASKED)}, READ_TLS,
             policy=mode("testing"), smtp=pose("attacker"), report=SUCCESS),
    Scenario("policy-missing", "the policy host says 404, nothing else",
             {"cold": Outcome(SAFE)}, SAFE,
             https={"kind": "missing", "pem": "policy"},
             report="sts-policy-fetch-error"),
    Scenario("policy-invalid", "the policy is invalid, nothing else",
             {"cold": Outcome(SAFE)}, SAFE, policy="version: nonsense\r\n",
             report="sts-policy-invalid"),
    Scenario("policy-webpki", "the policy host's certificate is for another "
             "name, nothing else", {"cold": Outcome(SAFE)}, SAFE,
             https={"kind": "served", "pem": "attacker"},
             report="sts-webpki-invalid"),
    Scenario("report-mail", "mail with a TLS report, STARTTLS stripped",
             {"cold": Outcome(READ_CLEAR, REPORT),
              "warm": Outcome(READ_CLEAR, REPORT)},
             senders=UNKNOWN_HEADER, smtp=STRIP, header=NOT_REQUIRED),
    Scenario("report-mail-dane", "mail with a TLS report, DANE, certificate "
             "does not match", {"cold": Outcome(READ_TLS, REPORT)}, READ_TLS,
             {"postfix37": {"cold": Outcome(HELD, LIMIT)}, **NO_DANE},
             signed=True, tlsa=True, policy=None, smtp=pose("misissued"),
             header=NOT_REQUIRED),
    Scenario("smart-good", "a smart host in brackets, no attack", UNHARMED,
             control=SAFE, next_hop="[{MX}]", only=POSTFIX),
    Scenario("smart-strip", "STARTTLS stripped at a smart host in brackets",
             STOPPED, next_hop="[{MX}]", only=POSTFIX, smtp=STRIP),
    Scenario("smart-port", "a smart host in brackets with a port, no attack",
             UNHARMED, control=SAFE, next_hop="[{MX}]:587", only=POSTFIX),
    Scenario("smart-port-name", "a smart host in brackets with a port, "
             "certificate for another name", STOPPED, READ_TLS,
             next_hop="[{MX}]:587", only=POSTFIX, smtp=pose("attacker")),
    Scenario("sni", "the MX host shows its certificate by SNI only, no attack",
             UNHARMED, control=SAFE, sni=True),
    Scenario("sni-name", "the MX host shows its certificate by SNI only; the "
             "attacker shows one for another name", STOPPED, READ_TLS,
             sni=True, smtp=pose("attacker")),
    Scenario("none", "mode none, STARTTLS stripped", UNENFORCED,
             policy=mode("none"), smtp=STRIP),
    Scenario("expiry", "id flipped and HTTPS blocked until max_age is over",
             {"warm": Outcome(HELD), "late": Outcome(READ_CLEAR, OVER)},
             policy=ENFORCE.replace("604800", "{MAX_AGE}"), smtp=STRIP,
             https={"route": "blackhole"}, answers=FLIPPED),
)
