# SPDX-License-Identifier: Apache-2.0
"""System tests run the programs of an optimised build, named by MOAT_BUILD,
against real servers. A failed test shows the logs of all that ran."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest

from harness import netns, process

LOG_TAIL_BYTES = 6000


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


@pytest.fixture
def tmp_path():
    """A folder for one test. Unlike pytest's own, the user that moat's roles
    become can reach it."""
    with tempfile.TemporaryDirectory(prefix="moat-test-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.fixture
def stack(tmp_path):  # pylint: disable=redefined-outer-name,unused-argument
    """Servers entered here are stopped after the test, last one first, and
    then those that did not even come up."""
    with contextlib.ExitStack() as servers:
        yield servers
    for p in list(process.running):
        p.stop()


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
