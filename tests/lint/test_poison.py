# SPDX-License-Identifier: Apache-2.0
"""Every .c file includes base/poison.h, and nothing after it."""

import re

import source

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
# Programs that are no part of moat: load makers, examples, laboratory.
FREE = ("bench/", "docs/", "lab/")


def poisoned(text):
    headers = INCLUDE.findall(text)
    return bool(headers) and headers[-1] == "base/poison.h"


def test_tree():
    found = [str(path) for path in source.files(".c")
             if not str(path).startswith(FREE)
             and not poisoned(source.read(path))]
    source.none(found, "base/poison.h is not the last include:")


def test_a_missing_or_early_poison_is_red():
    assert not poisoned('#include "base/str.h"\n')
    assert not poisoned('#include "base/poison.h"\n#include <stdio.h>\n')
    assert poisoned('#include <stdio.h>\n\n#include "base/poison.h"\n')
