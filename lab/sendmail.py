# SPDX-License-Identifier: Apache-2.0
"""sendmail: Sendmail of a Debian release as a sender. No daemon: one program
run per recipient, in the foreground, which tries once and then queues."""

import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

SENDMAIL = "/usr/libexec/sendmail/sendmail"
AT_ONCE = 12
TRY_S = 60

MC = """\
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
VERSIONID(`laboratory')
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
define(`confDOMAIN_NAME', `{name}.plain')dnl
define(`QUEUE_DIR', `{lab}/queue')dnl
define(`STATUS_FILE', `{lab}/status')dnl
define(`ALIAS_FILE', `')dnl
define(`confPID_FILE', `{lab}/pid')dnl
define(`confCACERT', `{lab}/ca.pem')dnl
define(`confCACERT_PATH', `{lab}')dnl
define(`confHOST_STATUS_DIRECTORY', `')dnl
define(`confTO_CONNECT', `4s')dnl
define(`confTO_ICONNECT', `4s')dnl
define(`confTO_STARTTLS', `6s')dnl
define(`confTO_INITIAL', `10s')dnl
define(`confTO_HELO', `10s')dnl
define(`confTO_RESOLVER_RETRANS', `5s')dnl
define(`confTO_RESOLVER_RETRY', `1')dnl
define(`confTRY_NULL_MX_LIST', `False')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
{features}
MAILER(`local')dnl
MAILER(`smtp')dnl
"""

OUTCOMES = (("stat=Sent", "sent"), (r"\.\.\. Sent", "sent"),
            (r"\.\.\. Deferred|Warning: .*queued|queued", "deferred"),
            (r"User unknown|Service unavailable|Data format error",
             "bounced"))


class SendmailSender:
    """ways: way -> lines of sendmail.mc."""

    def __init__(self, name, place, ca, ways):
        self.name = name
        self.place = place
        self.ca = ca
        self.features = ways
        self.ways = list(ways)
        self.lock = threading.Lock()
        self.found = {}
        self.pool = ThreadPoolExecutor(AT_ONCE)

    def start(self):
        (self.place.path / "queue").mkdir()
        self.place.write("ca.pem", self.ca.read_text())
        for way, features in self.features.items():
            self.place.write(f"{way}.mc", MC.format(
                name=self.name, lab=self.place.inside, features=features))
            made = self.place.run("m4", "-I", "/usr/share/sendmail/cf",
                                  f"{self.place.inside}/{way}.mc")
            self.place.write(f"{way}.cf", made.stdout)

    def send(self, recipients, message):
        for to in recipients:
            self.pool.submit(self._deliver, to, message)

    def _deliver(self, to, message):
        way = to.split(".", 1)[0]
        queue = f"{self.place.inside}/queue/{to}"
        (self.place.path / "queue" / to).mkdir(mode=0o700)
        try:
            done = self.place.run(
                SENDMAIL, "-C", f"{self.place.inside}/{way}.cf",
                f"-OQueueDirectory={queue}", "-odi", "-oi", "-v", "-f", "<>",
                to, check=False, timeout=TRY_S,
                input=message)
            said = done.stdout + done.stderr
        except subprocess.TimeoutExpired as e:
            said = f"no end within {TRY_S} s: {e.stdout}"
        with open(self.place.path / "mail.log", "a", encoding="utf-8") as log:
            log.write(f"=== {to}\n{said}\n")
        status = next((word for pattern, word in OUTCOMES
                       if re.search(pattern, said)), "unknown")
        with self.lock:
            self.found.setdefault(to, []).append((status, said))

    def tries(self):
        with self.lock:
            return {to: list(tries) for to, tries in self.found.items()}

    def stop(self):
        self.pool.shutdown(cancel_futures=True)
