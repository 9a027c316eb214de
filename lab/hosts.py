# SPDX-License-Identifier: Apache-2.0
"""hosts: the machines of the laboratory, each a network namespace, all of
them one hop from the router in the middle. The router is where the attacker
sits. Nothing leads out of here: the addresses are 44.128.0.0/16, a test
network no router of the Internet carries, and moat's address filter takes
them for public ones."""

import os
import subprocess
from pathlib import Path

HUB = "44.128.1.254"


def run(*argv, check=True, **options):
    """A command with its output captured; what it said is in the error."""
    done = subprocess.run([str(word) for word in argv], check=False,
                          capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit "
                           f"{done.returncode}: {done.stderr or done.stdout}")
    return done


class Host:
    """One machine. address: its own; networks: prefixes it also answers
    for, every address of them."""

    def __init__(self, prefix, name, address=None, networks=()):
        self.name = name
        self.netns = f"{prefix}-{name}"
        self.address = address
        self.networks = networks

    def ip(self, *words, check=True):
        return run("ip", "-n", self.netns, *words, check=check)

    def claim(self, network):
        """From now on this host answers for a network or an address."""
        self.ip("route", "replace", "local", network, "dev", "lo")

    def argv(self, *words):
        """A command line that runs on this host."""
        return ["nsenter", f"--net=/run/netns/{self.netns}", "--", *words]

    def run(self, *words, **options):
        return run(*self.argv(*words), **options)

    def write(self, file, text):
        """For files below /proc/sys/net, which every host has its own of."""
        self.run("sh", "-c", f"echo {text} >{file}")

    def make(self):
        run("ip", "netns", "add", self.netns)
        self.ip("link", "set", "lo", "up")
        for network in self.networks:
            self.claim(network)

    def remove(self):
        run("ip", "netns", "del", self.netns, check=False)


class Network:
    """The router and what hangs on it; a context manager."""

    def __init__(self):
        self.prefix = f"lab{os.getpid()}"
        self.router = Host(self.prefix, "router")
        self.hosts = []

    def host(self, name, networks=(), address=None):
        address = address or f"44.128.1.{len(self.hosts) + 1}"
        made = Host(self.prefix, name, address, networks)
        self.hosts.append(made)
        made.make()
        self._connect(made)
        return made

    def _connect(self, host):
        link = f"to-{host.name}"[:15]
        self.router.ip("link", "add", link, "type", "veth", "peer", "name",
                       "eth0", "netns", host.netns)
        host.ip("address", "add", f"{host.address}/32", "dev", "eth0")
        host.ip("link", "set", "eth0", "up")
        host.ip("route", "add", HUB, "dev", "eth0")
        host.ip("route", "add", "default", "via", HUB)
        self.router.ip("address", "add", f"{HUB}/32", "dev", link)
        self.router.ip("link", "set", link, "up")
        self.router.ip("route", "add", host.address, "dev", link)
        for network in host.networks:
            self.router.ip("route", "add", network, "via", host.address,
                           "dev", link, "onlink")

    def __enter__(self):
        sweep()
        self.router.make()
        self.router.write("/proc/sys/net/ipv4/ip_forward", "1")
        return self

    def __exit__(self, *_):
        for host in [*self.hosts, self.router]:
            host.remove()


def sweep():
    """Removes the namespaces of runs that were killed."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0]
        pid = name.split("-")[0].removeprefix("lab")
        if name.startswith("lab") and pid.isdigit() \
                and not Path("/proc", pid).exists():
            run("ip", "netns", "del", name, check=False)
