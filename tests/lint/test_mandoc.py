# SPDX-License-Identifier: Apache-2.0
"""Manual pages are mdoc without a warning."""

import source
import tool


def command(path):
    return ("mandoc", "-Tlint", "-Wwarning", path)


def test_tree():
    paths = [p for p in source.files() if p.parts[0] == "man"
             and p.suffix[1:].isdigit()]
    found = list(tool.complaints(command, paths))
    source.none(found)


def test_bad_page_is_red(tmp_path):
    bad = tmp_path / "bad.1"
    bad.write_text(".Dd today\n.Dt BAD 1\n.Os\n.Sh NAMED\n.Xx\n")
    assert list(tool.complaints(command, [bad]))
