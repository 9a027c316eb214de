# SPDX-License-Identifier: Apache-2.0
"""clang-tidy finds nothing in the programs. A file that passed is not looked
at again until it, a header or .clang-tidy changes."""

import hashlib
import json
import os
from pathlib import Path

import pytest

import source
import tool

PASSED = source.ROOT / "build" / "tidy-passed.json"


def build_folder():
    return Path(os.environ.get("MOAT_BUILD", source.ROOT / "build/optimised"))


def command(path):
    return ("clang-tidy", "--quiet", "-p", build_folder(), path)


def compiled():
    """The files of src/ and lib/ that the build compiles."""
    commands = json.loads(
        (build_folder() / "compile_commands.json").read_text("utf-8"))
    known = {(Path(c["directory"]) / c["file"]).resolve() for c in commands}
    return [p for p in source.files(".c") if p.parts[0] in ("src", "lib")
            and source.ROOT / p in known]


def shared_digest():
    digest = hashlib.sha256(source.read(".clang-tidy").encode())
    for path in source.files(".h"):
        digest.update(source.read(path).encode())
    return digest


def key(path, shared):
    digest = shared.copy()
    digest.update(source.read(path).encode())
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
    shared, before = shared_digest(), remembered()
    keys = {str(p): key(p, shared) for p in compiled()}
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
    bad.write_text("int f(int n);\n"
                   "int f(int n)\n{\n\tint *p = 0;\n\treturn *p + n;\n}\n")
    code, said = tool.run("clang-tidy", "--quiet", bad,
                          f"--config-file={source.ROOT}/.clang-tidy", "--")
    assert code != 0 and "NullDereference" in said
