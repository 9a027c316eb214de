# SPDX-License-Identifier: Apache-2.0
"""The ids of findings in the code are those of docs/checks.md."""

import re

import source

ID = r"[A-Z]{1,4}-\d{2}"
IN_CODE = re.compile(rf'"({ID}(?: {ID})*)"')
IN_TABLE = re.compile(rf"^\| ({ID}) \|", re.MULTILINE)


def differences(code, table):
    for name in sorted(code - table):
        yield f"{name} is not in docs/checks.md"
    for name in sorted(table - code):
        yield f"{name} is in docs/checks.md only"


def test_tree():
    code = {name for path in source.files(".c") if path.parts[0] == "src"
            for names in IN_CODE.findall(source.read(path))
            for name in names.split()}
    table = set(IN_TABLE.findall(source.read("docs/checks.md")))
    source.none(list(differences(code, table)))


def test_either_side_is_red():
    assert list(differences({"FIL-01"}, set()))
    assert IN_CODE.findall('"X-01 SMTP-03"') == ["X-01 SMTP-03"]
    assert list(differences(set(), set(IN_TABLE.findall("| FIL-01 | x |"))))
