# SPDX-License-Identifier: Apache-2.0
"""moatd starts, and stops every role in order with its sandbox on."""

import signal

from harness.moat import Moat
from harness.process import wait_until

LOCAL = {"cert": {"source": "local-ca"}}


def test_every_role_ends_well(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    assert moat.stop() == 0
    assert not moat.process.log_lines(r"role\.(crashed|killed)")
    ends = moat.process.log_lines(r"role\.stopped")
    assert ends and all('end="exit 0"' in line for line in ends)


def test_a_killed_role_comes_back_alone(stack, tmp_path):
    moat = stack.enter_context(Moat(tmp_path / "moat", LOCAL))
    edge, dns = moat.role_pids("edge"), moat.role_pids("dns")
    moat.kill_role("edge", signal.SIGSEGV)
    wait_until(lambda: len(moat.role_pids("edge")) == len(edge)
               and moat.role_pids("edge") != edge, 10, "another edge")
    assert moat.role_pids("dns") == dns
