# SPDX-License-Identifier: Apache-2.0
"""Words that do not belong in the tree: notes to oneself, hosts of package
registries (a lock file must not name where one machine got its packages),
and absolute paths of one machine."""

import re
from pathlib import Path

import source

FORBIDDEN = {
    "a note to oneself": re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"),
    "a package registry": re.compile(
        r"https?://[\w.-]*(registry|artifactory|nexus|pypi|npmjs)[\w.-]*"),
    "a path of one machine": re.compile(r"(?<![\w.])/(work|home/\w+)/\w"),
}
SELF = Path("tests/lint/test_words.py")
BINARY = (".gz", ".png", ".woff2", ".mdb", ".db", ".der")


def findings(text):
    for what, pattern in FORBIDDEN.items():
        for number, line in enumerate(text.splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield f"line {number}: {what}: {match.group()}"


def looked_at(path):
    return (path != SELF and path.suffix not in BINARY
            and "corpus" not in path.parts and "samples" not in path.parts)


def test_tree():
    found = [f"{path}: {said}" for path in source.files() if looked_at(path)
             for said in findings(source.read(path))]
    source.none(found)


def test_each_word_is_red():
    assert list(findings("/* TODO: later */"))
    assert list(findings('"resolved": "https://registry.example/a.tgz"'))
    assert list(findings("cp /home/jo/x ."))
    assert not list(findings("a method to do nothing, https://moat.example"))
