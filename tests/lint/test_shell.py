# SPDX-License-Identifier: Apache-2.0
"""Shell scripts pass shellcheck."""

import source
import tool


def command(path):
    return ("shellcheck", path)


def is_shell(path):
    first = source.read(path)[:30].splitlines()[:1]
    return bool(first) and first[0] in ("#!/bin/sh", "#!/bin/bash")


def test_tree():
    found = list(tool.complaints(
        command, [p for p in source.files() if is_shell(p)]))
    source.none(found)


def test_bad_script_is_red(tmp_path):
    bad = tmp_path / "bad"
    bad.write_text('#!/bin/sh\nrm -r $1/*\n')
    assert list(tool.complaints(command, [bad]))
