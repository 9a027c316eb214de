# SPDX-License-Identifier: Apache-2.0
"""clang-tidy finds nothing in the programs; in the long round its static
analyzer looks too. A file that passed is not looked at again until it, a
header of it or the checks change."""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

import source
import tool

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
# Beside those of .clang-tidy. The analyzer sees one file at a time and so
# cannot know that an output is set whenever ST_OK comes back, nor that an
# empty str has n == 0: its checks for unset and null values are off (gcc and
# the sanitized build look for those).
ANALYZER = ",".join((
    "clang-analyzer-*",
    "-clang-analyzer-core.CallAndMessage",
    "-clang-analyzer-core.NonNullParamChecker",
    "-clang-analyzer-core.NullDereference",
    "-clang-analyzer-core.UndefinedBinaryOperatorResult",
    "-clang-analyzer-core.uninitialized.*",
    "-clang-analyzer-deadcode.DeadStores",
    "-clang-analyzer-optin.performance.Padding",
    "-clang-analyzer-security.insecureAPI."
    "DeprecatedOrUnsafeBufferHandling"))
CHECKS = ANALYZER if os.environ.get("MOAT_FULL") == "1" else ""
PASSED = source.ROOT / "build" / "tidy-passed.json"


def build_folder():
    return Path(os.environ.get("MOAT_BUILD", source.ROOT / "build/optimised"))


def command(path):
    return ("clang-tidy", "--quiet", f"--checks={CHECKS}",
            "--extra-arg=-Wno-format-nonliteral", "-p",
            build_folder(), path)


def compiled():
    """The files of src/ and lib/ that the build compiles."""
    commands = json.loads(
        (build_folder() / "compile_commands.json").read_text("utf-8"))
    known = {(Path(c["directory"]) / c["file"]).resolve() for c in commands}
    return [p for p in source.files(".c") if p.parts[0] in ("src", "lib")
            and source.ROOT / p in known]


def included(path, seen):
    """Adds to seen path and all headers of ours that it leads to."""
    if path in seen or not (source.ROOT / path).is_file():
        return
    seen.add(path)
    for header in INCLUDE.findall(source.read(path)):
        for folder in ("src", "include", "."):
            included(Path(folder) / header, seen)


def key(path):
    """A digest of everything that can change what clang-tidy says of it."""
    digest = hashlib.sha256((source.read(".clang-tidy") + CHECKS).encode())
    seen = set()
    included(path, seen)
    for each in sorted(seen):
        digest.update(source.read(each).encode())
    return digest.hexdigest()


def remembered():
    try:
        return json.loads(PASSED.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def errors(said):
    """Of all that clang-tidy says, the lines that name a mistake."""
    return [line for line in said.splitlines() if ": error: " in line]


def test_tree():
    if not (build_folder() / "compile_commands.json").exists():
        pytest.fail(f"{build_folder()} is not a build folder (MOAT_BUILD)")
    before = remembered()
    keys = {str(p): key(p) for p in compiled()}
    paths = [p for p, k in keys.items() if before.get(p) != k]
    failed, found = set(), []
    for said in tool.complaints(command, paths):
        found += errors(said) or [said]
        failed |= {p for p in paths if f"/{p}:" in said}
    if found and not failed:
        failed = set(paths)
    PASSED.parent.mkdir(exist_ok=True)
    PASSED.write_text(json.dumps(
        {p: k for p, k in keys.items() if p not in failed}))
    source.none(found)


def test_a_mistake_is_red(tmp_path):
    bad = tmp_path / "bad.c"
    bad.write_text("#include <string.h>\nint f(char *a);\n"
                   "int f(char *a)\n{\n\tif (a);\n\t\treturn 1;\n"
                   "\treturn 0;\n}\n")
    code, said = tool.run("clang-tidy", "--quiet", bad,
                          f"--config-file={source.ROOT}/.clang-tidy", "--")
    assert code != 0 and "suspicious-semicolon" in said
