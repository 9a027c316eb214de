# SPDX-License-Identifier: Apache-2.0
"""The command line as people and scripts meet it."""

import json

from harness.moat import moat


def test_new_policy_passes_its_own_linters():
    made = json.loads(moat(
        "new", "policy", "--mode", "enforce", "--mx", "MX1.moat.test",
        "*.moat.test", "--max-age", "604800", "--domain", "Moat.Test.",
        "--rua", "https://r.moat.test/v1", "--json").stdout)
    assert moat("lint", "policy", "-", stdin=made["policy"]).returncode == 0
    records = {r["name"]: r["data"] for r in made["records"]}
    for verb, name in (("sts-record", "_mta-sts"),
                       ("tlsrpt-record", "_smtp._tls")):
        assert moat("lint", verb,
                    records[name + ".moat.test"]).returncode == 0


def test_a_policy_can_be_sent_to_a_file():
    done = moat("new", "policy", "--mode", "testing", "--mx", "mx1.moat.test",
                "--domain", "moat.test")
    assert moat("lint", "policy", "-", stdin=done.stdout).returncode == 0
    assert done.stdout.split() == "version: STSv1 mode: testing mx: " \
        "mx1.moat.test max_age: 604800".split()
    assert "_mta-sts.moat.test. TXT" in done.stderr


def test_new_policy_refuses_what_no_sender_would_take():
    for words in (["--mode", "on"], ["--mode", "enforce"],
                  ["--mode", "enforce", "--mx", "192.0.2.1"],
                  ["--mode", "none", "--max-age", "31557601"],
                  ["--mode", "none", "--rua", "a@b.test"],
                  ["--mode", "none", "--domain", "b_c"],
                  ["--mode", "none", "word"], []):
        done = moat("new", "policy", *words)
        assert (done.returncode, done.stdout) == (64, ""), words
        assert "--help" in done.stderr


def test_long_txt_data_is_split():
    uri = "https://r.moat.test/" + "x" * 300
    text = moat("new", "policy", "--mode", "none", "--rua", uri).stderr
    line = next(x for x in text.splitlines() if x.startswith("_smtp._tls"))
    strings = line.split('"')[1::2]
    assert "".join(strings) == "v=TLSRPTv1; rua=" + uri
    assert max(map(len, strings)) == 255


def test_verdicts_are_exit_codes():
    good = "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 2000000\n"
    assert moat("lint", "policy", "-", stdin=good).returncode == 0
    assert moat("lint", "policy", "-",
                stdin=good.replace("2000000", "60")).returncode == 1
    bad = moat("lint", "policy", "-", stdin=good + "\n")
    assert bad.returncode == 2
    for part in ("error", "FIL-11", "line 5", "RFC 8461 section 3.2", "do:"):
        assert part in bad.stdout
    assert moat("lint", "policy", "/nowhere").returncode == 3
    assert moat("lint", "policy").returncode == 64


def test_no_terminal_no_colour_and_no_escape_sequence():
    text = "version: \x1b[31mSTSv1\nx: \x9b\n"
    for words in ([], ["--json"]):
        done = moat("lint", "policy", "-", *words, stdin=text)
        assert "\x1b" not in done.stdout and "\x9b" not in done.stdout


def test_usage_errors_say_what_to_do():
    for words in ([], ["nope"], ["lint"], ["lint", "nope"], ["--nope"],
                  ["match", "a.test"], ["match", "a_b", "c.test"],
                  ["match", "a.test", "*"]):
        done = moat(*words)
        assert (done.returncode, done.stdout) == (64, ""), words
        assert "--help" in done.stderr


def test_failing_without_a_document_is_one_for_programs(tmp_path):
    conf = tmp_path / "moat.conf"
    conf.write_text(f"[server]\nrun_dir = {tmp_path}\n")
    nothing = tmp_path / "nothing"
    nothing.write_text("no report")
    for words in (["status"], ["domain", "list"], ["domain", "show", "a.test"],
                  ["lint", "policy", "/nowhere"], ["lint", "report", "/no"],
                  ["report", "show", "/nowhere"],
                  ["report", "import", "/nowhere"],
                  ["report", "show", nothing]):
        done = moat(*words, "--json", conf=conf)
        assert done.returncode == 3, words
        error = json.loads(done.stdout)["error"]
        assert error["text"] in done.stderr, words
        assert error.keys() == {"text", "remedy"}
        assert moat(*words, conf=conf).stdout == "", words
    both = moat("report", "show", "/a", "/b", "--json")
    assert json.loads(both.stdout) == []
    assert "/a" in both.stderr and "/b" in both.stderr
    down = json.loads(moat("status", "--json", conf=conf).stdout)["error"]
    assert "not running" in down["text"] and "start moatd" in down["remedy"]
