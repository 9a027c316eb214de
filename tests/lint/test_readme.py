# SPDX-License-Identifier: Apache-2.0
"""A README in each folder of src/: its purpose, what it may include, where to
start reading."""

import source


def folders_without(paths):
    folders = {path.parent for path in paths
               if path.parts[0] == "src" and path.suffix in (".c", ".h")}
    return sorted(str(f) for f in folders if f / "README.md" not in paths)


def test_tree():
    found = folders_without(set(source.files()))
    source.none(found, "no README.md in")


def test_a_folder_without_is_red():
    code = source.Path("src/new/a.c")
    assert folders_without({code}) == ["src/new"]
    assert not folders_without({code, source.Path("src/new/README.md")})
