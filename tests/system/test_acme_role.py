# SPDX-License-Identifier: Apache-2.0
"""The acme role alone against a real Pebble: its neighbours (keeper, edge,
dns) are played by the test, so that every state can be held and looked at."""

import http.server
import os
import shutil
import signal
import sqlite3
import threading
import time

import pytest

from harness.knot import Knot
from harness.moat import Moat, ordinary_user
from harness.newer_pebble import newer_pebble
from harness.pebble import Pebble
from harness.ports import free_port
from harness.process import wait_until
from harness.unbound import Unbound
from rfc9773_server import Rfc9773Server

CUSTOMER = "customer.example"
HOST = f"reports.{CUSTOMER}"
POLICY_HOST = f"mta-sts.{CUSTOMER}"
RECORDS = "reports A 127.0.0.1\nmta-sts A 127.0.0.1\n"
(QUEUED, NEW, CHALLENGED, VALIDATING, READY, FINALIZING, ISSUED, DONE,
 FAILED) = range(9)
EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
DAY = 86400
PROOF_ACME = 2
CNAME_OK = 1


class Everything:
    """A map that has the same value for every key."""

    def __init__(self, value):
        self.value = value

    def get(self, _key, _default):
        return self.value


class Neighbours:
    """keeper: says that changes are applied. edge: answers http-01. Both only
    while they are told to."""

    def __init__(self, moat, http_port):
        self.database = moat.state / "moat.db"
        self.applying = True
        self.serving = True
        self._end = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                token = self.path.rsplit("/", 1)[-1]
                rows = outer.rows(
                    "SELECT value FROM challenge WHERE type = 0 AND token = ?",
                    token)
                found = bool(rows) and outer.serving
                self.send_response(200 if found else 404)
                self.end_headers()
                if found:
                    self.wfile.write(rows[0]["value"].encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", http_port), Handler)
        self.threads = [threading.Thread(target=self.server.serve_forever),
                        threading.Thread(target=self._keep)]

    def rows(self, sql, *args):
        db = sqlite3.connect(self.database, timeout=10, isolation_level=None)
        db.row_factory = sqlite3.Row
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()

    def _keep(self):
        while not self._end.wait(0.05):
            if self.applying:
                self.rows("INSERT OR REPLACE INTO node SELECT 'test', seq, ?, "
                          "0 FROM change_counter", int(time.time()))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self.server.shutdown()
        self.server.server_close()
        for thread in self.threads:
            thread.join()

    def insert(self, table, **columns):
        self.rows(f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
                  f"({', '.join('?' * len(columns))})", *columns.values())

    def order(self, host=HOST, tenant="system", name="a", **more):
        """Queues an order, as the keeper would."""
        now = int(time.time())
        columns = dict.fromkeys(
            ["directory", "profile", "replaces", "url", "finalize_url",
             "cert_url", "challenge", "authz_url", "challenge_url", "token",
             "problem_type", "problem_detail", "cert_id"], "")
        columns |= dict.fromkeys(
            ["state", "challenge_seq", "attempts", "expires", "problem_at"], 0)
        columns |= {"id": name, "tenant": tenant, "host": host,
                    "reason": "first", "key_sealed": b"", "next_at": now,
                    "created": now, "updated": now} | more
        self.insert("acme_order", **columns)

    def domain(self):
        """The customer before the cut-over: dns-01 is all there is."""
        info = self.rows("PRAGMA table_info(domain)")
        columns = {row["name"]: 0 if row["type"] == "BIGINT" else ""
                   for row in info}
        columns |= {"tenant": "default", "name": CUSTOMER,
                    "label": "abcdefghijklmnop", "proof": PROOF_ACME,
                    "cname_acme_state": CNAME_OK}
        self.insert("domain", **columns)

    def get(self, name="a"):
        return dict(self.rows("SELECT * FROM acme_order WHERE id = ?", name)[0])

    def wait_state(self, state, name="a", timeout_s=30):
        wait_until(lambda: self.get(name)["state"] == state, timeout_s,
                   f"order {name} to be in state {state}", every_s=0.05)
        return self.get(name)

    def certs(self, host=HOST):
        return self.rows("SELECT * FROM cert WHERE host = ? AND is_current",
                         host)


class Bench:
    def __init__(self, stack, folder, settings=None, **pebble):
        http_port = free_port()
        self.knot = stack.enter_context(
            Knot(folder / "knot", {CUSTOMER: RECORDS}))
        unbound = stack.enter_context(
            Unbound(folder / "unbound", {CUSTOMER: self.knot.port}))
        self.pebble = stack.enter_context(
            Pebble(folder / "pebble", unbound.port, http_port, free_port(),
                   **pebble))
        acme = {"directory": self.pebble.directory, "ca_file": self.pebble.ca,
                "agree_terms": "yes", "preflight": "no", "limits": "no",
                "contact": "postmaster@customer.example"}
        self.moat = stack.enter_context(Moat(folder / "moat", {
            "server": {"roles": "acme"},
            "report": {"host": HOST},
            "acme": acme | (settings or {})}))
        self.near = stack.enter_context(Neighbours(self.moat, http_port))

    def kill_role(self):
        """kill -9, and waits until the next one has taken over."""
        (pid,) = self.moat.role_pids("acme")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.moat.role_pids("acme") not in ([], [pid]), 15,
                   "a new acme role")


@pytest.fixture
def bench(stack, tmp_path):
    return lambda **more: Bench(stack, tmp_path, **more)


def test_http_01_gives_a_certificate(bench):
    b = bench()
    b.near.order()
    order = b.near.wait_state(DONE)
    (cert,) = b.near.certs()
    assert order["cert_id"] == cert["id"] and order["problem_detail"] == ""
    assert order["key_sealed"] == b""
    assert cert["renew_at"] < cert["not_after"]
    assert not b.near.rows("SELECT * FROM challenge")
    (account,) = b.near.rows("SELECT * FROM acme_account")
    assert account["url"] and account["status"] == "valid"


def test_dns_01_before_the_cut_over(bench):
    b = bench()
    b.near.domain()
    b.near.order(POLICY_HOST, "default")

    def text():
        return b.near.rows("SELECT value FROM challenge WHERE type = 2")

    b.near.applying = False
    (row,) = wait_until(text, 20, "the challenge")
    b.knot.add(CUSTOMER, f'_acme-challenge.mta-sts TXT "{row["value"]}"')
    b.near.applying = True
    b.near.wait_state(DONE)
    assert b.near.certs(POLICY_HOST)


def test_challenge_waits_for_the_view(bench):
    b = bench()
    b.near.applying = False
    b.near.order()
    b.near.wait_state(CHALLENGED)
    time.sleep(2)
    assert b.near.get()["state"] == CHALLENGED
    b.near.applying = True
    b.near.wait_state(DONE)


def test_words_of_the_ca_are_kept(bench):
    b = bench(settings={"challenges": "http-01"})
    b.near.serving = False
    b.near.order()
    wait_until(lambda: b.near.get()["attempts"] > 0, 30, "a refusal")
    order = b.near.get()
    assert order["state"] == QUEUED and order["url"] == ""
    assert "unauthorized" in order["problem_type"]
    assert "404" in order["problem_detail"]
    assert order["next_at"] - order["problem_at"] in range(60, 67)
    assert not b.near.rows("SELECT * FROM challenge")
    b.near.serving = True
    b.near.rows("UPDATE acme_order SET next_at = 0")
    assert b.near.wait_state(DONE)["problem_detail"] == ""


def test_killed_in_every_state_goes_on(bench):
    b = bench()
    b.near.applying = False
    b.near.order()
    b.near.wait_state(CHALLENGED)
    before = b.near.get()
    b.kill_role()
    b.near.applying = True
    order = b.near.wait_state(DONE)
    assert order["url"] == before["url"], "the same order was finished"
    assert len(b.near.rows("SELECT * FROM acme_account")) == 1


@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.6, 0.9, 1.2])
def test_killed_at_any_time_goes_on(bench, after_s):
    b = bench()
    b.near.order()
    time.sleep(after_s)
    b.kill_role()
    b.near.wait_state(DONE, timeout_s=60)
    assert len(b.near.certs()) == 1


def test_external_account_binding(bench, tmp_path):
    key = tmp_path / "eab.key"
    key.write_text(EAB_KEY + "\n")
    key.chmod(0o600)
    shutil.chown(key, ordinary_user())
    b = bench(eab={"kid-1": EAB_KEY},
              settings={"eab_kid": "kid-1", "eab_key_file": key})
    b.near.order()
    b.near.wait_state(DONE)


def test_missing_binding_is_explained(bench):
    b = bench(eab={"kid-1": EAB_KEY})
    b.near.order()
    wait_until(lambda: b.near.get()["attempts"] > 0, 20, "a refusal")
    assert "acme.eab_kid" in b.near.get()["problem_detail"]


def test_nothing_is_ordered_for_a_host_that_has_left(bench):
    b = bench()
    b.near.order("mta-sts.gone.example", "default")
    order = b.near.wait_state(FAILED)
    assert order["problem_type"] == "moat:left"



def test_renewal_follows_the_ca_and_names_what_it_replaces(bench):
    b = bench(program=newer_pebble())
    b.near.order()
    b.near.wait_state(DONE)
    cert = wait_until(
        lambda: [c for c in b.near.certs() if c["ari_end"] > 0], 20,
        "a renewal window (RFC 9773)")[0]
    assert cert["ari_start"] <= cert["renew_at"] <= cert["ari_end"]
    assert cert["ari_next"] > time.time()

    b.near.rows("UPDATE cert SET renew_at = 0")
    renewed = wait_until(
        lambda: [c for c in b.near.certs() if c["id"] != cert["id"]], 30,
        "the renewal")[0]
    (order,) = b.near.rows("SELECT * FROM acme_order WHERE id <> 'a'")
    assert order["reason"] == "renewal" and order["state"] == DONE
    assert "." in order["replaces"]
    assert order["cert_id"] == renewed["id"]

    # The CA refuses to have it replaced twice; then it is a plain order.
    b.near.order(name="b", replaces=order["replaces"])
    assert b.near.wait_state(DONE, "b")["replaces"] == ""


def plain_acme(stack, folder, server, **settings):
    """moatd with the acme role alone, at our own server."""
    moat = stack.enter_context(Moat(folder / "moat", {
        "server": {"roles": "acme"},
        "report": {"host": HOST},
        "acme": {"directory": server.directory, "ca_file": server.ca,
                 "preflight": "no"} | settings}))
    return stack.enter_context(Neighbours(moat, free_port()))


@pytest.fixture
def server(stack, tmp_path):
    return stack.enter_context(Rfc9773Server(tmp_path / "ca"))


def test_profile_is_asked_for(stack, tmp_path, server):
    near = plain_acme(stack, tmp_path, server, profile="shortlived")
    near.order()
    near.wait_state(DONE)
    (cert,) = near.certs()
    assert server.orders[0]["profile"] == "shortlived"
    assert cert["not_after"] - cert["not_before"] == 6 * DAY
    assert cert["renew_at"] - cert["not_before"] <= 5 * DAY


def test_unknown_profile_is_explained(stack, tmp_path, server):
    near = plain_acme(stack, tmp_path, server, profile="eternal")
    near.order()
    wait_until(lambda: near.get()["attempts"] > 0, 20, "a refusal")
    assert "eternal" in near.get()["problem_detail"]
    assert not server.orders


def test_early_window_renews_at_once(stack, tmp_path, server):
    near = plain_acme(stack, tmp_path, server)
    near.order()
    near.wait_state(DONE)
    (cert,) = wait_until(lambda: [c for c in near.certs() if c["ari_end"]], 20,
                         "a renewal window")
    now = int(time.time())
    assert cert["ari_next"] - now in range(server.retry_after - 10,
                                           server.retry_after + 2)
    server.window = Everything((now - 2 * DAY, now - DAY))
    near.rows("UPDATE cert SET ari_next = 1")
    wait_until(lambda: near.certs()[0]["id"] != cert["id"], 20, "a renewal")
    (order,) = near.rows("SELECT * FROM acme_order WHERE id <> 'a'")
    assert order["reason"] == "revoked"
    assert server.orders[1]["replaces"] == order["replaces"] != ""
    old = near.rows("SELECT * FROM cert WHERE NOT is_current")[0]
    assert old["ari_url"] == server.explanation


def test_replaced_already_is_no_obstacle(stack, tmp_path, server):
    near = plain_acme(stack, tmp_path, server)
    server.replaced.add("aaaa.bbbb")
    near.order(replaces="aaaa.bbbb")
    assert near.wait_state(DONE)["replaces"] == ""
