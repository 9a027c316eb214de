# SPDX-License-Identifier: Apache-2.0
"""moat: the programs under test: the command line alone, or a whole moatd
with its own folder, ports and configuration."""

import contextlib
import getpass
import json
import os
import signal
import subprocess
from pathlib import Path

from .ports import free_port
from .process import Process

HOST = "127.0.0.1"
READY = r"\bmoatd\.ready\b"
READY_S = 20
COMMAND_S = 60


def build_folder():
    return Path(os.environ["MOAT_BUILD"]).resolve()


def program():
    """The path of the command line."""
    return build_folder() / "src" / "cli" / "moat"


def daemon():
    """The path of moatd."""
    return build_folder() / "src" / "daemon" / "moatd"


def moat(*words, stdin=None, conf=None, timeout_s=COMMAND_S):
    """Runs the command line; gives the CompletedProcess with text output."""
    argv = [program()]
    if conf is not None:
        argv += ["-c", conf]
    return subprocess.run([*map(str, argv), *map(str, words)], input=stdin,
                          capture_output=True, text=True, timeout=timeout_s,
                          check=False)


def conf_text(settings):
    """{section: {key: value}} as the text of moat.conf."""
    text = ""
    for section, keys in settings.items():
        text += f"[{section}]\n"
        text += "".join(f"{key} = {value}\n" for key, value in keys.items())
        text += "\n"
    return text


def ordinary_user():
    """Whom the roles become: we ourselves, or as root somebody without
    privileges."""
    return "nobody" if os.geteuid() == 0 else getpass.getuser()


class Moat:
    """moatd on loopback. settings: {section: {key: value}}, laid over the
    defaults here; a value None takes a default away. ports: {"https": 443};
    those not given are free ones."""

    def __init__(self, folder, settings=None, resolver_port=None, env=None,
                 netns=None, ports=None):
        self.folder = Path(folder)
        ports = ports or {}
        self.https, self.http, self.dns, self.lmtp = (
            ports.get(name) or free_port()
            for name in ("https", "http", "dns", "lmtp"))
        self.conf = self.folder / "moat.conf"
        self.state = self.folder / "state"
        self.run_dir = self.folder / "run"
        self.settings = self._defaults(resolver_port)
        for section, keys in (settings or {}).items():
            mine = self.settings.setdefault(section, {})
            mine.update(keys)
            for key in [key for key, value in mine.items() if value is None]:
                del mine[key]
        self.process = Process(
            [daemon(), "-c", self.conf],
            self.folder, "moatd", env=env, netns=netns)

    def _defaults(self, resolver_port):
        settings = {
            "server": {
                "state_dir": self.state,
                "run_dir": self.run_dir,
                "user": ordinary_user(),
                "log_level": "debug",
            },
            "dns": {
                "zone": "sts.example.net",
                "listen": f"{HOST}:{self.dns}",
                "workers": 1,
                "name_servers": "ns1.sts.example.net",
                "name_server_addresses": f"ns1.sts.example.net={HOST}",
            },
            "edge": {
                "https": f"{HOST}:{self.https}",
                "http": f"{HOST}:{self.http}",
                "workers": 1,
                "addresses": HOST,
            },
            "lmtp": {"listen": f"{HOST}:{self.lmtp}"},
            "probe": {
                "dnssec": "off",
                "allow_private": "yes",
                "timeout": "5s",
                "http_port": self.http,
                "https_port": self.https,
            },
        }
        if resolver_port is not None:
            settings["probe"]["resolver"] = f"{HOST}:{resolver_port}"
        return settings

    def write_conf(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.conf.write_text(conf_text(self.settings))

    def start(self):
        """Writes the configuration, starts moatd, waits until it is ready."""
        self.write_conf()
        before = self.ready_lines() if self.process.log.exists() else 0
        self.process.start()
        self.process.wait_log(READY, READY_S, before + 1)
        return self

    def ready_lines(self):
        return len(self.process.log_lines(READY))

    def __call__(self, *words, stdin=None, timeout_s=COMMAND_S):
        """moat -c CONF WORDS."""
        return moat(*words, stdin=stdin, conf=self.conf, timeout_s=timeout_s)

    def json(self, *words):
        """What moat WORDS --json prints."""
        done = self(*words, "--json")
        try:
            return json.loads(done.stdout)
        except ValueError as e:
            raise AssertionError(f"moat {' '.join(words)}: exit "
                                 f"{done.returncode}, {done.stderr}") from e

    def role_pids(self, role):
        """The process ids of the workers of one role."""
        children = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True, text=True, check=False).stdout
        return [int(line.split()[0]) for line in children.splitlines()
                if f"--role {role}" in line]

    def kill_role(self, role, number=signal.SIGKILL):
        """A signal to every worker of one role."""
        for pid in self.role_pids(role):
            with contextlib.suppress(ProcessLookupError):  # it was faster
                os.kill(pid, number)

    def stop(self):
        return self.process.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
