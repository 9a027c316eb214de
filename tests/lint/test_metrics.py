# SPDX-License-Identifier: Apache-2.0
"""The metrics in the code are those of docs/sending.md."""

import re

import source

IN_CODE = re.compile(r'"(moat_[a-z0-9_]+)["{]')
IN_TABLE = re.compile(r"^\| `(moat_[a-z0-9_]+)` \|", re.MULTILINE)
PAPER = "docs/sending.md"


def differences(code, table):
    for name in sorted(code - table):
        yield f"{name} is not in {PAPER}"
    for name in sorted(table - code):
        yield f"{name} is in {PAPER} only"


def test_tree():
    code = {name for path in source.files("metrics.c")
            if path.parts[0] == "src"
            for name in IN_CODE.findall(source.read(path))}
    assert code
    source.none(list(differences(
        code, set(IN_TABLE.findall(source.read(PAPER))))))


def test_either_side_is_red():
    assert list(differences(set(IN_CODE.findall('"moat_x"')), set()))
    assert list(differences(set(), set(IN_TABLE.findall("| `moat_x` | y |"))))
