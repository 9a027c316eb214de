# SPDX-License-Identifier: Apache-2.0
"""Certificates that do not come by ACME: our own CA, files, a command."""

import subprocess

import pytest

from harness.moat import Moat
from harness.ports import free_port
from harness.process import wait_until
from test_acme_role import DONE, HOST, Neighbours


def make_pem(folder, host=HOST):
    """HOST/fullchain.pem and privkey.pem, which the roles' user can read."""
    place = folder / host
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=x",
         "-addext", f"subjectAltName=DNS:{host}", "-keyout",
         place / "privkey.pem", "-out", place / "fullchain.pem"],
        check=True, capture_output=True)
    (place / "privkey.pem").chmod(0o644)


@pytest.fixture
def acme_role(stack, tmp_path):
    def start(**cert):
        moat = stack.enter_context(Moat(tmp_path / "moat", {
            "server": {"roles": "acme"}, "report": {"host": HOST},
            "cert": cert}))
        return moat, stack.enter_context(Neighbours(moat, free_port()))
    return start


def test_local_ca(acme_role):
    moat, near = acme_role(source="local-ca")
    near.order()
    near.wait_state(DONE)
    near.order(name="b")
    near.wait_state(DONE, "b")
    root = moat.state / "local-ca.pem"
    for cert in near.rows("SELECT chain FROM cert"):
        # One DER string behind its length, as the store keeps lists.
        leaf = cert["chain"][cert["chain"].index(b"\x30"):]
        done = subprocess.run(
            ["openssl", "verify", "-CAfile", root, "-verify_hostname", HOST,
             "/dev/stdin"], capture_output=True, check=False,
            input=subprocess.run(["openssl", "x509", "-inform", "DER"],
                                 input=leaf, capture_output=True,
                                 check=True).stdout)
        assert done.returncode == 0, done.stderr


def test_files_are_taken_and_watched(acme_role, tmp_path):
    folder = tmp_path / "pem"
    make_pem(folder)
    _, near = acme_role(source="files", files=folder)
    near.order()
    near.wait_state(DONE)
    (first,) = near.certs()
    assert first["source"] == "files"
    make_pem(folder)
    near.rows("UPDATE cert SET renew_at = 0")
    wait_until(lambda: near.certs()[0]["id"] != first["id"], 20,
               "the new file to be taken")


def test_files_that_do_not_fit_are_refused(acme_role, tmp_path):
    folder = tmp_path / "pem"
    make_pem(folder, "other.example")
    (folder / "other.example").rename(folder / HOST)
    _, near = acme_role(source="files", files=folder)
    near.order()
    wait_until(lambda: near.get()["attempts"] > 0, 10, "a refusal")
    assert "does not cover" in near.get()["problem_detail"]
    assert not near.certs()


def test_command_gives_what_it_prints(acme_role, tmp_path):
    make_pem(tmp_path / "pem")
    command = tmp_path / "give"
    command.write_text(f'#!/bin/sh\ncd "{tmp_path}/pem/$1" || exit 1\n'
                       "exec cat fullchain.pem privkey.pem\n")
    command.chmod(0o755)
    _, near = acme_role(source="exec", exec=command)
    near.order()
    near.wait_state(DONE)
    assert near.certs()[0]["source"] == "exec"


def test_command_that_fails_is_told(acme_role, tmp_path):
    command = tmp_path / "give"
    command.write_text("#!/bin/sh\nexit 1\n")
    command.chmod(0o755)
    _, near = acme_role(source="exec", exec=command)
    near.order()
    wait_until(lambda: near.get()["attempts"] > 0, 10, "a refusal")
    assert "the command failed" in near.get()["problem_detail"]
