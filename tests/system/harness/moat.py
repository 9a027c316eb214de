# SPDX-License-Identifier: Apache-2.0
"""moat: the programs under test: the command line alone, or a whole moatd
with its own folder, ports and configuration."""

import json
import os
import pwd
import subprocess
from pathlib import Path

from . import raw
from .ports import free_port
from .process import Process, wait_until

HOST = "127.0.0.1"
READY_S = 20
COMMAND_S = 60


def build_folder():
    return Path(os.environ["MOAT_BUILD"])


def moat(*words, stdin=None, conf=None, timeout_s=COMMAND_S):
    """Runs the command line; gives the CompletedProcess with text output."""
    argv = [build_folder() / "src" / "cli" / "moat"]
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


class Moat:
    """moatd on loopback. settings: {section: {key: value}}, laid over the
    defaults here; a value None takes a default away."""

    def __init__(self, folder, settings=None, resolver_port=None, env=None,
                 netns=None):
        self.folder = Path(folder)
        self.https, self.http, self.dns = free_port(), free_port(), free_port()
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
            [build_folder() / "src" / "daemon" / "moatd", "-c", self.conf],
            self.folder, "moatd", env=env, netns=netns)

    def _defaults(self, resolver_port):
        settings = {
            "server": {
                "state_dir": self.state,
                "run_dir": self.run_dir,
                "user": pwd.getpwuid(os.geteuid()).pw_name,
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
            "probe": {
                "dnssec": "off",
                "allow_private": "yes",
                "http_port": self.http,
                "https_port": self.https,
            },
        }
        if resolver_port is not None:
            settings["probe"]["resolver"] = f"{HOST}:{resolver_port}"
        return settings

    def write_conf(self):
        for path in (self.folder, self.state, self.run_dir):
            path.mkdir(parents=True, exist_ok=True)
        self.conf.write_text(conf_text(self.settings))

    def start(self):
        """Writes the configuration, starts moatd, waits until it is ready."""
        self.write_conf()
        self.process.start()
        wait_until(self._ready, READY_S, "moatd to be ready")
        return self

    def _ready(self):
        if not self.process.alive():
            raise RuntimeError("moatd ended:\n" + self.process.log_text())
        roles = self.settings["server"].get("roles", "edge dns console")
        if "console" in roles:
            return self("status").returncode == 0
        port = self.https if "edge" in roles else self.dns
        return raw.listens(port)

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

    def stop(self):
        return self.process.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
