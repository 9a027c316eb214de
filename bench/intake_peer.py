# SPDX-License-Identifier: Apache-2.0
"""intake_peer: what a consumer in Python spends on the same mails, with the
libraries that come with it (json and sqlite3 are C inside): email, gzip, json,
one row per report, policy and failure, one sum per day, domain and policy
type. It verifies nothing, looks for no duplicates, and survives no bad mail."""

import email.parser
import email.policy
import gzip
import json
import sqlite3
import time

BATCH = 64  # mails in a transaction
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE report (id INTEGER PRIMARY KEY, org, report_id, begins, ends);
CREATE TABLE policy (report, no, type, domain, strings, ok, failed);
CREATE TABLE failure (report, no, result, ip, mx, reason, sessions);
CREATE TABLE rollup (day, domain, type, ok, failed,
    PRIMARY KEY (day, domain, type));
"""
ROLLUP = """
INSERT INTO rollup VALUES (?, ?, ?, ?, ?)
ON CONFLICT (day, domain, type) DO UPDATE
SET ok = ok + excluded.ok, failed = failed + excluded.failed"""


def read(mail):
    message = email.parser.BytesParser(
        policy=email.policy.compat32).parsebytes(mail)
    for part in message.walk():
        if part.get_content_type() == "application/tlsrpt+gzip":
            return json.loads(gzip.decompress(part.get_payload(decode=True)))
    raise ValueError("no report")


def store(db, report):
    days = report["date-range"]
    key = db.execute(
        "INSERT INTO report (org, report_id, begins, ends) "
        "VALUES (?, ?, ?, ?)",
        (report["organization-name"], report["report-id"],
         days["start-datetime"], days["end-datetime"])).lastrowid
    for no, element in enumerate(report["policies"]):
        policy, summary = element["policy"], element["summary"]
        counts = (summary["total-successful-session-count"],
                  summary["total-failure-session-count"])
        about = (policy["policy-domain"], policy["policy-type"])
        db.execute("INSERT INTO policy VALUES (?, ?, ?, ?, ?, ?, ?)",
                   (key, no, *about, "\n".join(policy["policy-string"]),
                    *counts))
        db.execute(ROLLUP, (days["start-datetime"][:10], *about, *counts))
        db.executemany(
            "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((key, no, f["result-type"], f["sending-mta-ip"],
              f["receiving-mx-hostname"], f["failure-reason-code"],
              f["failed-session-count"])
             for f in element.get("failure-details", ())))


def rates(n, work):
    wall, cpu = time.monotonic(), time.process_time()
    work()
    return {"rate": n / (time.process_time() - cpu),
            "wall": n / (time.monotonic() - wall)}


def model_rate(mails):
    return rates(len(mails), lambda: [read(mail) for mail in mails])


def store_rate(mails, path):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(SCHEMA)

    def work():
        for i in range(0, len(mails), BATCH):
            db.execute("BEGIN")
            for mail in mails[i:i + BATCH]:
                store(db, read(mail))
            db.execute("COMMIT")

    found = rates(len(mails), work)
    db.close()
    path.unlink()
    return found
