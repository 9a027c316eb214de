# SPDX-License-Identifier: Apache-2.0
"""C files are formatted as .clang-format says (clang-format -i FILE), and in
such a way that the versions of Debian 12 and 13 agree. Where they cannot, a
comment in the file switches formatting off and says why."""

import pytest

import source
import tool

AGREED = (14, 19)
FOLDERS = ("src", "lib", "include", "tests", "fuzz", "bench")


def command(path):
    return ("clang-format", "--dry-run", "-Werror", "--ferror-limit=3",
            "--style=file:.clang-format", path)


def version():
    """The major version of clang-format: a later one may format otherwise."""
    return int(tool.run("clang-format", "--version")[1]
               .split("version ")[1].split(".")[0])


def test_tree():
    if version() not in AGREED:
        pytest.skip(f"formatted with clang-format {AGREED[0]}, not tried "
                    f"with {version()}")
    paths = [p for p in source.files(".c", ".h") if p.parts[0] in FOLDERS]
    found = list(tool.complaints(command, paths))
    source.none(found)


def test_bad_format_is_red(tmp_path):
    bad = tmp_path / "bad.c"
    bad.write_text("int  f( void ){return 1;}\n")
    assert list(tool.complaints(command, [bad]))
