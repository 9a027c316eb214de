# SPDX-License-Identifier: Apache-2.0
"""moat setup: the records that the provider publishes, and whether they are
there. Reports by mail go to whatever mail server the report host's MX names:
only it can hand them to moat."""

import pytest

from harness.knot import Knot
from harness.moat import Moat
from harness.unbound import Unbound

OWN = "provider.example"
RUA = f"rua.{OWN}"


def rows(stack, folder, records):
    knot = stack.enter_context(Knot(folder / "knot", {OWN: records}))
    unbound = stack.enter_context(Unbound(
        folder / "unbound", {OWN: knot.port}))
    moat = stack.enter_context(Moat(folder / "moat", {
        "server": {"roles": "console probe"},
        "report": {"host": RUA},
    }, resolver_port=unbound.port))
    said = moat("setup", "--check").stdout
    return [line.split() for line in said.splitlines() if RUA in line]


@pytest.mark.parametrize("mail", [RUA, f"mail.{OWN}"])
def test_any_mail_server_may_take_the_reports(stack, tmp_path, mail):
    [address, mx] = rows(stack, tmp_path,
                         f"rua A 127.0.0.1\nrua MX 10 {mail}.\n")
    assert address == ["ok", f"{RUA}.", "A", "127.0.0.1"]
    assert mx == ["ok", f"{RUA}.", "MX", "10", mail]


def test_another_address_or_no_mail_server_will_not_do(stack, tmp_path):
    [address, mx] = rows(stack, tmp_path, "rua A 192.0.2.1\n")
    assert address[0] == "NO" and address[-4:] == [
        "something", "else", "is", "there"]
    assert mx[:5] == ["NO", f"{RUA}.", "MX", "10", RUA]


def test_a_report_host_that_takes_no_mail(stack, tmp_path):
    """RFC 7505: somebody has said so in the DNS."""
    [address, mx] = rows(stack, tmp_path,
                         "rua A 192.0.2.1\nrua MX 0 .\n")
    assert mx[:5] == ["NO", f"{RUA}.", "MX", "10", RUA]
    assert "takes no mail" in " ".join(mx)
