# SPDX-License-Identifier: Apache-2.0
"""Papers lead where they say: relative links exist, and every decision is in
the index under a number of its own."""

import re
from pathlib import Path

import source

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
DECISIONS = Path("docs/decisions")
INDEX = DECISIONS / "README.md"
LOOKUP = Path("docs/policy-lookup.md")
SENDING = Path("docs/sending.md")


def broken_links(path, text, exists):
    for target in LINK.findall(text):
        there = path.parent / target.replace("\n", " ").strip()
        if not exists(there):
            yield f"{path}: no {target}"


def index_faults(names, index):
    numbers = [name[:4] for name in names]
    for name in names:
        if not re.match(r"\d{4}-[a-z0-9-]+\.md$", name):
            yield f"{name}: not NNNN-what.md"
        elif numbers.count(name[:4]) > 1:
            yield f"{name}: its number is taken twice"
        elif f"({name})" not in index:
            yield f"{name}: not in {INDEX}"


def undocumented(code, names, paper):
    """Words for failures: string literals, and what follows "certificate-"."""
    words = re.findall(r'"([a-z]+(?:-[a-z]+)*)"', code)
    words += [f"certificate-{name}" for name in names if name != "good"]
    return [f"{LOOKUP}: no {word}" for word in words
            if f"`{word}`" not in paper]


def test_links():
    source.none([said for path in source.files(".md")
                 for said in broken_links(
                     path, source.read(path),
                     lambda p: (source.ROOT / p).exists())])


def test_decisions():
    names = [p.name for p in source.files(".md")
             if p.parent == DECISIONS and p.name != "README.md"]
    source.none(list(index_faults(names, source.read(INDEX))))


def test_reasons():
    names = re.findall(r'\[TLS_CERT_\w+\] = "([^"]+)"',
                       source.read(Path("src/io/tls_client.c")))
    assert names
    source.none(undocumented(
        source.read(Path("src/outbound/sts_fetch.c")), names,
        source.read(LOOKUP)))


def test_words_of_decisions():
    words = re.findall(r'\[DECISION_WHY_\w+\] = "([^"]+)"',
                       source.read(Path("src/proto/sts_decide.c")))
    paper = source.read(SENDING)
    assert words
    source.none([f"{SENDING}: no {word}" for word in words
                 if f"| `{word}` |" not in paper])


def test_broken_papers_are_red():
    assert undocumented('fail(x, "no-luck");', [], "`luck`")
    assert undocumented("", ["odd"], "`odd`")
    assert not undocumented('"a-b" "A b"', ["good"], "`a-b`")
    assert list(broken_links(Path("a.md"), "[b](b.md)", lambda p: False))
    assert list(index_faults(["0001-a.md"], ""))
    assert list(index_faults(["0001-a.md", "0001-b.md"],
                             "(0001-a.md) (0001-b.md)"))
    assert list(index_faults(["notes.md"], ""))
    assert not list(index_faults(["0001-a.md"], "[a](0001-a.md)"))
