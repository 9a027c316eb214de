# SPDX-License-Identifier: Apache-2.0
"""System tests run the programs of an optimised build, named by MOAT_BUILD,
against real servers. A failed test shows the logs of all that ran."""
# pylint: disable=redefined-outer-name,unused-argument

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import netns, process

LOG_TAIL_BYTES = 6000
SMALL_DISK_BYTES = 512 * 1024

# Published vectors may lie beside the project; without them there is nothing
# of theirs to collect, and the tables of tests/proto stand alone.
VECTORS = Path(__file__).resolve().parents[3] / "shared/samples/vectors"
collect_ignore = [] if VECTORS.is_dir() else ["test_vectors.py"]

# The laboratory is made of network namespaces, which need root.
if not netns.available():
    collect_ignore.append("test_laboratory.py")


def pytest_configure(config):
    build = os.environ.get("MOAT_BUILD")
    if not build:
        raise pytest.UsageError(
            "MOAT_BUILD is not set: give it the folder of an optimised build "
            "(./test --only system does)")
    if not (Path(build) / "build.ninja").exists():
        raise pytest.UsageError(f"MOAT_BUILD={build} is not a build folder")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed or not hasattr(report.longrepr, "addsection"):
        return
    for p in process.running:
        report.longrepr.addsection(f"{p.name} log",
                                   p.log_text()[-LOG_TAIL_BYTES:])


class Folders:
    """Folders for tests. Unlike pytest's own, the user that moat's roles
    become can reach them."""

    def __init__(self, base):
        self.base = Path(base)
        self.base.chmod(0o755)
        self.numbers = itertools.count()

    def mktemp(self, name):
        folder = self.base / f"{name}{next(self.numbers)}"
        folder.mkdir(mode=0o755)
        return folder


@pytest.fixture(scope="session")
def tmp_path_factory():
    with tempfile.TemporaryDirectory(prefix="moat-test-") as base:
        yield Folders(base)


@pytest.fixture
def tmp_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("test")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stack(tmp_path):
    """Servers entered here are stopped after the test, last one first, and
    then those that did not even come up."""
    with contextlib.ExitStack() as servers:
        yield servers
    for p in list(process.running):
        p.stop()


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of its own, soon full."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o",
                    f"size={SMALL_DISK_BYTES},mode=755", "none", folder],
                   check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def full():
    """True in ./test --full: then run the stated counts."""
    return os.environ.get("MOAT_FULL") == "1"


@pytest.fixture
def network():
    """A network namespace with loopback up if we are root, else None: both
    are what netns= takes."""
    if not netns.available():
        yield None
        return
    with netns.NetworkNamespace() as ns:
        yield ns
