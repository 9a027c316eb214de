# SPDX-License-Identifier: Apache-2.0
"""dovecot: an IMAP server with one user, whose folders are Maildirs that a test
puts mails into and looks at."""

import getpass
import grp
import os
import pwd
import socket
import time
from pathlib import Path

from .ports import free_port
from .process import Process, wait_until

HOST = "127.0.0.1"
USER, PASSWORD = "reports@example.net", "pass-word"

CONF = """\
protocols = imap
listen = {host}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
auth_verbose = yes
ssl = required
ssl_cert = <{cert}
ssl_key = <{cert}
disable_plaintext_auth = yes
auth_mechanisms = plain login
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
mailbox_list_index = no
passdb {{
  driver = static
  args = user={user} password={password}
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/home
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
{more}
"""


def _users():
    """Root has Dovecot's own users; anybody else is all of them."""
    me = getpass.getuser() if os.geteuid() else "nobody"
    group = grp.getgrgid(pwd.getpwnam(me).pw_gid).gr_name
    own = os.geteuid() == 0
    return {"internal": "dovecot" if own else me,
            "login": "dovenull" if own else me,
            "group": "dovecot" if own else group,
            "mail_user": me, "mail_group": group}


class Dovecot:
    """cert: a file with certificate and key. more: further configuration.
    .imap speaks STARTTLS, .imaps TLS at once."""

    def __init__(self, folder, cert, more=""):
        self.folder = Path(folder)
        self.imap, self.imaps = free_port(), free_port()
        self.cert = cert
        self.more = more
        self.count = 0
        self.process = Process(["/usr/sbin/dovecot", "-F", "-c",
                                self.folder / "dovecot.conf"],
                               self.folder, "dovecot")

    def _write_conf(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        users = _users()
        (self.folder / "dovecot.conf").write_text(CONF.format(
            host=HOST, folder=self.folder, cert=self.cert, user=USER,
            password=PASSWORD,
            imap=self.imap, imaps=self.imaps, more=self.more, **users))
        for name in ("mail/new", "mail/cur", "mail/tmp", "home"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(users["mail_user"])
            for path in [self.folder / "home", self.folder / "mail",
                         *(self.folder / "mail").iterdir()]:
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def maildir(self, folder="INBOX"):
        return self.folder / "mail" / ("" if folder == "INBOX"
                                       else f".{folder}")

    def put(self, mail):
        """A mail into the INBOX, as a delivery agent does it."""
        self.count += 1
        name = f"{int(time.time())}.M{self.count:06}.test"
        path = self.maildir() / "tmp" / name
        path.write_bytes(mail)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_users()["mail_user"])
            os.chown(path, owner.pw_uid, owner.pw_gid)
        path.rename(self.maildir() / "new" / name)

    def mails(self, folder="INBOX"):
        """The files of a folder that are not marked as deleted."""
        path = self.maildir(folder)
        return [f for sub in ("new", "cur") if (path / sub).is_dir()
                for f in sorted((path / sub).iterdir())
                if "T" not in f.name.partition(":2,")[2]]

    def start(self):
        self._write_conf()
        self.process.start()
        wait_until(self._answers, 30, "dovecot")
        return self

    def _answers(self):
        with socket.create_connection((HOST, self.imap), 10) as s:
            return s.recv(100).startswith(b"* OK")

    def stop(self):
        return self.process.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
