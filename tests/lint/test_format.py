# SPDX-License-Identifier: Apache-2.0
"""C files are formatted as .clang-format says (clang-format -i FILE)."""

import pytest

import source
import tool

FOLDERS = ("src", "lib", "include", "tests", "fuzz", "bench")


def command(path):
    return ("clang-format", "--dry-run", "-Werror", "--ferror-limit=3",
            "--style=file:.clang-format", path)


def version():
    """The major version of clang-format: another one formats otherwise."""
    return int(tool.run("clang-format", "--version")[1]
               .split("version ")[1].split(".")[0])


def test_tree():
    if version() != 14:
        pytest.skip("formatted with clang-format 14, this is another")
    paths = [p for p in source.files(".c", ".h") if p.parts[0] in FOLDERS]
    found = list(tool.complaints(command, paths))
    source.none(found)


def test_bad_format_is_red(tmp_path):
    bad = tmp_path / "bad.c"
    bad.write_text("int  f( void ){return 1;}\n")
    assert list(tool.complaints(command, [bad]))
