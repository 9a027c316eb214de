# SPDX-License-Identifier: Apache-2.0
"""dovecot: an IMAP server with one user, whose folders are Maildirs that a test
puts mails into and looks at."""

import getpass
import grp
import os
import pwd
import socket
import subprocess
import time
from pathlib import Path

from .ports import free_port
from .process import Process, wait_until

HOST = "127.0.0.1"
USER, PASSWORD = "reports@example.net", "pass-word"

PROGRAM = "/usr/sbin/dovecot"

# What both know.
COMMON = """\
listen = {host}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
auth_verbose = yes
ssl = {ssl}
auth_mechanisms = plain login
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
mailbox_list_index = no
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
"""

# Debian 12
CONF_2_3 = """\
protocols = imap
ssl_cert = <{cert}
ssl_key = <{cert}
disable_plaintext_auth = {tls}
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = user={user} password={password}
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/home
}}
{capability}
""" + COMMON

# Debian 13
CONF_2_4 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols {{
  imap = yes
}}
ssl_server_cert_file = {cert}
ssl_server_key_file = {cert}
auth_allow_cleartext = {cleartext}
mail_driver = maildir
mail_path = {folder}/mail
mail_inbox_path = {folder}/mail
mailbox_list_layout = maildir++
namespace inbox {{
  inbox = yes
  separator = .
}}
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {mail_user}
    gid = {mail_group}
    home = {folder}/home
  }}
}}
{capability}
""" + COMMON


def _conf():
    version = subprocess.run([PROGRAM, "--version"], capture_output=True,
                             text=True, check=True).stdout
    return CONF_2_3 if version.startswith("2.3.") else CONF_2_4


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
    """cert: a file with certificate and key. capability: what it announces
    after the log-in, instead of all it can. tls False: it offers none. .imap
    speaks STARTTLS, .imaps TLS at once."""

    def __init__(self, folder, cert, capability=None, tls=True):
        self.folder = Path(folder)
        self.imap, self.imaps = free_port(), free_port()
        self.cert = cert
        self.capability = capability
        self.tls = tls
        self.count = 0
        self.process = Process(
            [PROGRAM, "-F", "-c", self.folder / "dovecot.conf"],
            self.folder, "dovecot")

    def _write_conf(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        users = _users()
        (self.folder / "dovecot.conf").write_text(_conf().format(
            host=HOST, folder=self.folder, cert=self.cert, user=USER,
            password=PASSWORD, imap=self.imap, imaps=self.imaps,
            ssl="required" if self.tls else "no",
            tls="yes" if self.tls else "no",
            cleartext="no" if self.tls else "yes",
            capability=f"imap_capability = {self.capability}"
            if self.capability else "", **users))
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
