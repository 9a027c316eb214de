# SPDX-License-Identifier: Apache-2.0
"""./test counts right: what failed, or was skipped, or left no result, never
looks green."""

import json
import sys

import source

sys.path.insert(0, str(source.ROOT / "tools"))

# pylint: disable=wrong-import-position
import tally  # noqa: E402
import test_round  # noqa: E402

JUNIT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="m">why</failure></testcase>
<testcase classname="a" name="odd"><error message="m">setup</error></testcase>
<testcase classname="a" name="not"><skipped message="no root"/></testcase>
</testsuite></testsuites>"""


def meson_lines(*results):
    return "\n".join(json.dumps({"name": f"moat / t{i}", "result": result,
                                 "stdout": "said"})
                     for i, result in enumerate(results))


def test_pytest_results(tmp_path):
    (tmp_path / "j.xml").write_text(JUNIT)
    counts = tally.from_junit(tmp_path / "j.xml")
    assert counts.line() == "1 passed, 2 failed, 1 skipped"
    assert counts.failures[0] == ("a.bad", "why\nm")


def test_meson_results(tmp_path):
    (tmp_path / "m.json").write_text(
        meson_lines("OK", "FAIL", "TIMEOUT", "ERROR", "SKIP", "UNEXPECTEDPASS"))
    counts = tally.from_meson(tmp_path / "m.json", "asan/")
    assert counts.line() == "1 passed, 4 failed, 1 skipped"
    assert counts.failures[0][0] == "asan/t1"


def test_a_skip_can_count_as_failed(tmp_path):
    (tmp_path / "m.json").write_text(meson_lines("OK", "SKIP"))
    counts = tally.from_meson(tmp_path / "m.json", "")
    counts.skips_fail()
    assert counts.line() == "1 passed, 1 failed"


def test_a_run_without_results_is_red(tmp_path):
    log = tmp_path / "log"
    log.write_text("crashed")
    counts = test_round.counted(tally.from_junit, tmp_path / "no.xml", 1, log,
                                "system")
    assert counts.line() == "0 passed, 1 failed"
    (tmp_path / "m.json").write_text(meson_lines("OK"))
    counts = test_round.counted(tally.from_meson, tmp_path / "m.json", 1, log,
                                "unit", "")
    assert counts.line() == "1 passed, 1 failed"


def test_the_reason_stands_before_the_logs():
    said = "\n".join(["def test():", "E       assert 1 == 2", "log"])
    assert test_round.reason(said) == "    E       assert 1 == 2\n"
    assert test_round.reason("no pytest") == ""
