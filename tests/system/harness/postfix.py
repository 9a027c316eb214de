# SPDX-License-Identifier: Apache-2.0
"""postfix: Postfix with folders of its own: takes mail by SMTP on loopback and
hands what is for some domains to a transport. It needs root."""

import os
import smtplib
import subprocess
from pathlib import Path

from .ports import free_port
from .process import Process, wait_until, with_mounts

HOST = "127.0.0.1"
DAEMONS = "/usr/lib/postfix/sbin"

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = {host}
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
relay_domains = {domains}
relay_transport = {transport}
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtp_dns_support_level = disabled
"""

# Of master.cf, all but what listens: the same for all releases from 3.4 on.
SERVICES = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Mail for domains goes to transport, as "lmtp:inet:127.0.0.1:24". more:
    further lines of main.cf; hosts: a file in the place of /etc/hosts, for
    this Postfix alone."""

    def __init__(self, folder, domains, transport, more="", hosts=None):
        self.folder = Path(folder)
        self.port = free_port()
        self.domains = domains
        self.transport = transport
        self.more = more
        argv = ["/usr/sbin/postfix", "-c", self.folder / "conf", "start-fg"]
        if hosts is not None:
            argv = with_mounts({"/etc/hosts": hosts}, argv)
        self.process = Process(argv, self.folder, "postfix")

    def _write(self):
        conf = self.folder / "conf"
        for name in ("conf", "queue", "data"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        subprocess.run(["chown", "postfix", self.folder / "data"], check=True)
        main = MAIN.format(
            folder=self.folder, daemons=DAEMONS, host=HOST,
            domains=" ".join(self.domains), transport=self.transport)
        lines = [*main.splitlines(), *self.more.splitlines()]
        # What is said last counts, and is said once.
        last = {line.split(" =")[0]: line for line in lines}
        (conf / "main.cf").write_text("\n".join(last.values()) + "\n")
        (conf / "master.cf").write_text(
            f"{self.port} inet n - n - - smtpd\n" + SERVICES)

    @property
    def log(self):
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def send(self, sender, to, mail):
        with smtplib.SMTP(HOST, self.port, "client.example", 10) as s:
            s.sendmail(sender, [to], mail)

    def wait_log(self, text, timeout_s=30, count=1):
        wait_until(lambda: self.log.count(text) >= count, timeout_s,
                   f"postfix to log {text!r}:\n{self.log[-3000:]}")

    def __enter__(self):
        self._write()
        self.process.start()
        wait_until(self._answers, 20, "postfix to answer")
        return self

    def _answers(self):
        if not self.process.alive():
            raise AssertionError(self.process.log_text() + self.log)
        with smtplib.SMTP(HOST, self.port, "client.example", 5) as s:
            return s.noop()[0] == 250

    def __exit__(self, *_):
        if self.process.alive():
            subprocess.run(["/usr/sbin/postfix", "-c", self.folder / "conf",
                            "stop"], capture_output=True, check=False)
        self.process.stop()


def available():
    return os.geteuid() == 0 and Path(DAEMONS, "master").exists()
