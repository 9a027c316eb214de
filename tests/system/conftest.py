# SPDX-License-Identifier: Apache-2.0
"""System tests run the programs of an optimised build, named by MOAT_BUILD."""

import os
from pathlib import Path

import pytest


def pytest_configure(config):
    build = os.environ.get("MOAT_BUILD")
    if not build:
        raise pytest.UsageError(
            "MOAT_BUILD is not set: give it the folder of an optimised build "
            "(./test --only system does)")
    if not (Path(build) / "build.ninja").exists():
        raise pytest.UsageError(f"MOAT_BUILD={build} is not a build folder")
