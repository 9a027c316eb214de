# SPDX-License-Identifier: Apache-2.0
"""postfix: Postfix of a Debian release, on a host, with its whole life in a
folder of the run: as the honest receiver of everything, and as a sender that
has one delivery transport per way of deciding on TLS."""

import re

from harness.postfix import SERVICES
from harness.process import Process, wait_until

COMMON = """\
compatibility_level = 3.6
queue_directory = {lab}/queue
data_directory = {lab}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {lab}
maillog_file = {lab}/mail.log
inet_protocols = ipv4
myhostname = {name}.plain
mydestination =
alias_maps =
local_recipient_maps =
notify_classes =
smtputf8_enable = no
default_process_limit = 80
"""

# Deferral is a result, so nothing is tried for long and nothing twice.
SENDER = """\
inet_interfaces = loopback-only
transport_maps = regexp:{lab}/conf/transport
smtp_tls_CAfile = {lab}/ca.pem
smtp_tls_loglevel = 1
smtp_host_lookup = dns
smtp_connect_timeout = 4s
smtp_helo_timeout = 6s
smtp_starttls_timeout = 6s
smtp_connection_cache_on_demand = no
max_use = 1
minimal_backoff_time = 3600s
queue_run_delay = 3600s
"""

RECEIVER = """\
inet_interfaces = all
mynetworks = 0.0.0.0/0
default_transport = lmtp:[127.0.0.1]:2400
relay_transport = lmtp:[127.0.0.1]:2400
lmtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_chain_files = {lab}/mx.pem
tls_server_sni_maps = texthash:{lab}/conf/sni
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtpd_client_connection_count_limit = 0
"""

SUBMISSION = 587
STATUS = re.compile(r"to=<([^>]*)>.* status=(\w+)(?: \((.*)\))?")


class Postfix:
    """place: where it lives. services: further lines of master.cf."""

    def __init__(self, name, place, settings, services=""):
        self.name = name
        self.place = place
        self.settings = (COMMON + settings).format(name=name,
                                                   lab=place.inside)
        self.services = SERVICES + services
        self.conf = f"{place.inside}/conf"
        self.process = Process(place.argv("postfix", "-c", self.conf,
                                          "start-fg"), place.path, name)

    def start(self):
        for sub in ("queue", "data"):
            (self.place.path / sub).mkdir()
        self.place.write("conf/main.cf", self.settings)
        self.place.write("conf/master.cf", self.services)
        self.place.run("chown", "postfix", f"{self.place.inside}/data")
        self.process.start()
        wait_until(self.ready, 20, f"{self.name} to start")

    def ready(self):
        if not self.process.alive():
            raise RuntimeError(f"{self.name} ended:\n{self.log()}"
                               f"{self.process.log_text()}")
        return "daemon started" in self.log()

    def log(self):
        return self.place.read("mail.log")

    def stop(self):
        if self.process.alive():
            self.place.run("postfix", "-c", self.conf, "stop", check=False)
        self.process.stop()


def receiver(place, pem, sni_pem, sni_names):
    """The honest MX host: takes everything, and hands it to the recorder. To
    who names one of sni_names in TLS it shows sni_pem."""
    place.write("mx.pem", pem.read_text())
    place.write("sni.pem", sni_pem.read_text())
    place.write("conf/sni", "".join(
        f"{name} {place.inside}/sni.pem\n" for name in sni_names))
    return Postfix("mx", place, RECEIVER, "smtp inet n - n - - smtpd\n"
                   f"{SUBMISSION} inet n - n - - smtpd\n")


class PostfixSender:
    """ways: way -> main.cf settings of that way alone. A message to
    WAY.SOMETHING@domain is delivered that way, to next_hops[domain] if there
    is one."""

    def __init__(self, name, place, ca, ways, next_hops):
        services = "".join(
            f"{way} unix - - n - - smtp\n" + "".join(
                f"  -o {setting}\n" for setting in settings)
            for way, settings in ways.items())
        place.write("ca.pem", ca.read_text())
        place.write("conf/transport", "".join(
            f"/^{way}\\..*@{re.escape(domain)}$/ {way}:{hop}\n"
            for way in ways for domain, hop in next_hops.items())
            + "".join(f"/^{way}\\./ {way}:\n" for way in ways))
        self.name = name
        self.place = place
        self.server = Postfix(name, place, SENDER, services)
        self.ways = list(ways)

    def start(self):
        self.server.start()

    def send(self, recipients, message):
        """Gives all recipients a message, and returns at once."""
        self.place.run("sendmail", "-C", self.server.conf, "-f", "<>", "-i",
                       *recipients, input=message)

    def tries(self):
        """recipient -> [(status, text)], as the log has them."""
        found = {}
        for line in self.server.log().splitlines():
            if match := STATUS.search(line):
                found.setdefault(match[1], []).append((match[2], match[3]))
        return found

    def stop(self):
        self.server.stop()
