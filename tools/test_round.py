# SPDX-License-Identifier: Apache-2.0
"""test_round: one run of ./test. Builds the two trees, runs unit tests, fuzz
corpora, linters and system tests, and adds everything up in one last line."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import tally
from tally import Tally

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
KINDS = ("unit", "fuzz", "lint", "system")
LOG_TAIL_LINES = 40
REASON_LINES = 6
STAGE_LIMIT_S = 45 * 60
PATIENCE = 6  # a loaded machine may take so many times meson's 30 s for a test

# name -> compiler and meson options. The sanitized tree finds memory errors
# and leaks; the optimised one is what runs in the system tests.
TREES = {
    "asan": ("gcc", ["-Db_sanitize=address,undefined"]),
    "optimised": ("clang", ["-Dbuildtype=release", "-Ddebug=true"]),
}

SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


def say(text):
    print(text, flush=True)


def tail(text, lines=LOG_TAIL_LINES):
    kept = text.rstrip().splitlines()[-lines:]
    return "\n".join("    " + line for line in kept)


def reason(text):
    """What pytest found wrong, to stand before the logs."""
    lines = [line for line in text.splitlines() if line.startswith("E  ")]
    return "".join("    " + line + "\n" for line in lines[:REASON_LINES])


def run(command, log, **env):
    """Runs a command with its output in a log file; gives its exit code."""
    with open(log, "w", encoding="utf-8") as out:
        try:
            return subprocess.run(
                [str(word) for word in command], cwd=ROOT, stdout=out,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, **SANITIZER_ENV, **env},
                timeout=STAGE_LIMIT_S, check=False).returncode
        except subprocess.TimeoutExpired:
            out.write(f"\nstopped after {STAGE_LIMIT_S} s\n")
            return 124


def read_log(log):
    return Path(log).read_text(encoding="utf-8", errors="replace")


def build(tree):
    """Configures and compiles one tree; a failure counts as a failed test."""
    result = Tally()
    compiler, options = TREES[tree]
    folder = BUILD / tree
    log = LOGS / f"build-{tree}.log"
    if shutil.which("ccache"):
        compiler = f"ccache {compiler}"
    setup = ["meson", "setup", folder, *options]
    if not (folder / "build.ninja").exists():
        if run(setup, log, CC=compiler) != 0:
            result.fail(f"configure {tree}", read_log(log))
            return result
    if run(["ninja", "-k", "0", "-C", folder], log) != 0:
        result.fail(f"build {tree}", read_log(log))
    return result


def meson_suite(tree, suite):
    folder = BUILD / tree
    log = LOGS / f"{suite}-{tree}.log"
    results = folder / "meson-logs" / f"{suite}.json"
    results.unlink(missing_ok=True)
    code = run(["meson", "test", "-C", folder, "--no-rebuild", "--suite",
                suite, "--logbase", suite, "--print-errorlogs",
                "--timeout-multiplier", PATIENCE], log)
    return counted(tally.from_meson, results, code, log, f"{tree} {suite}",
                   f"{tree}/")


def pytest_folder(kind, full):
    results = LOGS / f"{kind}.xml"
    log = LOGS / f"{kind}.log"
    results.unlink(missing_ok=True)
    env = {"MOAT_BUILD": str(BUILD / "optimised")}
    if full:
        env["MOAT_FULL"] = "1"
    code = run(["/usr/bin/python3", "-m", "pytest", "-q", "-p",
                "no:cacheprovider", f"--junitxml={results}",
                ROOT / "tests" / kind], log, **env)
    return counted(tally.from_junit, results, code, log, kind)


def counted(reader, results, code, log, what, *args):
    """What a result file says; a run that failed without saying which test
    it was counts as one failure, so that no breakage can look green."""
    try:
        result = reader(results, *args)
    except (OSError, ValueError, SyntaxError) as e:
        result = Tally()
        result.fail(what, f"no results ({e})\n{read_log(log)}")
    if code != 0 and result.failed == 0:
        result.fail(what, f"exit code {code}\n{read_log(log)}")
    return result


def stages(only, full):
    """The run as (name, function) pairs, in order."""
    trees = ["asan", "optimised"]
    if not {"unit", "fuzz"} & set(only):
        trees = ["optimised"] if "system" in only or "lint" in only else []
    for tree in trees:
        yield f"build {tree}", lambda t=tree: build(t)
    for suite in ("unit", "fuzz"):
        for tree in trees if suite in only else []:
            yield f"{suite} {tree}", lambda s=suite, t=tree: meson_suite(t, s)
    for kind in ("lint", "system"):
        if kind in only:
            yield kind, lambda k=kind: pytest_folder(k, full)


def report_stage(name, result, seconds):
    if name.startswith("build") and result.failed == 0:
        say(f"    {seconds:6.1f} s  done")
    else:
        say(f"    {seconds:6.1f} s  {result.line()}")
    for test, said in result.failures:
        say(f"FAILED {test}\n{reason(said)}{tail(said)}")
    for test, why in result.skips:
        say(f"SKIPPED {test}: {why}")


def main():
    parser = argparse.ArgumentParser(
        prog="./test", description="Builds moat and runs its tests.")
    parser.add_argument("--full", action="store_true",
                        help="the long round: the stated counts of every test")
    parser.add_argument("--only", action="append", choices=KINDS, default=[],
                        help="only this kind of test (may be given again)")
    parser.add_argument("--strict", action="store_true",
                        help="count a skipped test as failed")
    args = parser.parse_args()
    only = args.only or list(KINDS)
    total = Tally()
    began = time.monotonic()

    LOGS.mkdir(parents=True, exist_ok=True)
    plan = list(stages(only, args.full))
    for i, (name, stage) in enumerate(plan, 1):
        say(f"[{i}/{len(plan)}] {name}")
        start = time.monotonic()
        result = stage()
        if args.strict:
            result.skips_fail()
        report_stage(name, result, time.monotonic() - start)
        total.add(result)
        if name.startswith("build") and result.failed:
            say("it does not build, so the rest was not run")
            break
    say(f"logs: {LOGS.relative_to(ROOT)}/   "
        f"time: {time.monotonic() - began:.0f} s")
    say(total.line())
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
