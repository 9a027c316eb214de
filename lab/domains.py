# SPDX-License-Identifier: Apache-2.0
"""domains: the recipient domains of a run, their names, addresses and
policies: one for each scenario and state of the cache."""

from scenarios import ATTACKER

SHORT_MAX_AGE_S = 60


class Domain:
    """number: 1 to 250, makes the addresses. An MX host has two: its public
    one, and a back door by which the attacker reaches it."""

    def __init__(self, scenario, cache, number):
        self.scenario = scenario
        self.cache = cache
        self.tld = "example" if scenario.signed else "plain"
        self.label = f"{scenario.name}-{cache}"
        self.name = f"{self.label}.{self.tld}"
        self.mx = f"mx.{self.name}"
        self.next_hop = self.fill(scenario.next_hop)
        # Relative to the zone.
        self.policy_label = (f"mx.{self.label}" if self.next_hop
                             else self.label)
        self.policy_host = f"mta-sts.{self.policy_label}.{self.tld}"
        self.mx_address = f"44.128.10.{number}"
        self.back_door = f"44.128.11.{number}"
        self.policy_address = f"44.128.20.{number}"

    def fill(self, text):
        """A text of a scenario, for this domain."""
        for mark, value in (("{D}", self.name), ("{MX}", self.mx),
                            ("{MAX_AGE}", str(SHORT_MAX_AGE_S))):
            text = text.replace(mark, value)
        return text

    def policy(self):
        return self.fill(self.scenario.policy or "")

    def records(self, tlsa):
        """The zone's lines for this domain."""
        label = self.label
        lines = [f"{label} MX 10 mx.{label}",
                 f"mx.{label} A {self.mx_address}",
                 f'_smtp._tls.{label} TXT "v=TLSRPTv1; rua=mailto:r@{label}"']
        if self.scenario.policy is not None:
            where = self.policy_label
            lines += [f'_mta-sts.{where} TXT "v=STSv1; id=1"',
                      f"mta-sts.{where} A {self.policy_address}"]
        if self.scenario.second_mx:
            lines += [f"{label} MX 20 mx2.{label}",
                      f"mx2.{label} A {self.back_door}"]
        if self.scenario.tlsa:
            lines.append(f"_25._tcp.mx.{label} TLSA {tlsa}")
        return lines

    def forged(self):
        """The attacker's answers: "NAME TYPE" -> records, or None."""
        return {self.fill(key): texts and [self.fill(t) for t in texts]
                for key, texts in self.scenario.answers.items()}


def domains_of(scenarios):
    made = []
    for scenario in scenarios:
        for cache in scenario.caches:
            made.append(Domain(scenario, cache, len(made) + 1))
    return made


def zone_text(domains, tld, tlsa):
    """The records of one top-level domain."""
    lines = []
    for domain in domains:
        if domain.tld == tld:
            lines += domain.records(tlsa)
    if tld == "plain":
        host = ATTACKER.removesuffix(".plain")
        lines += [f"{host} A 44.128.40.1", f"mta-sts.{host} A 44.128.40.1"]
    return "\n".join(lines) + "\n"
