# SPDX-License-Identifier: Apache-2.0
"""Every source file begins with its licence."""

import source

LINE = "SPDX-License-Identifier: Apache-2.0"
WHERE_LINES = 3
SUFFIXES = (".c", ".h", ".py", ".sh", ".ts", ".tsx", ".css", "meson.build")
SCRIPTS = ("start", "test", ".ci/run", "tools/")


def licensed(text):
    return any(LINE in line for line in text.splitlines()[:WHERE_LINES])


def wanted(path):
    name = str(path)
    script = name.startswith(SCRIPTS) and not path.suffix
    # A meson.build in a folder is a list; the one in the root speaks for all.
    return (script or name.endswith(SUFFIXES)) and not (
        path.name == "meson.build" and len(path.parts) > 1)


def test_tree():
    found = [str(path) for path in source.files()
             if wanted(path) and not licensed(source.read(path))]
    source.none(found, "no SPDX line:")


def test_no_line_is_red():
    assert not licensed("/* hello */\n")
    assert licensed(f"/* {LINE} */\n")
