# SPDX-License-Identifier: Apache-2.0
"""The sender's checklist has all its numbers, and every proof it names is a
test or a row of the laboratory that exists."""

import re
from pathlib import Path

import source

CHECKLIST = Path("docs/sender-checklist.md")
SCENARIOS = Path("lab/scenarios.py")
NUMBERS = [*map(str, range(1, 40)), *(f"D{i}" for i in range(1, 9)),
           *(f"O{i}" for i in range(1, 4))]
ROW = re.compile(r"^\| ([DO]?\d+) \|.*\| ([^|]*) \|$", re.M)
SCENARIO = re.compile(
    r'(?:Scenario|at_mx|at_policy_host)\(\s*"([^"]+)"')
NO_PROOF = "none yet: "


def names_of(name, text):
    """The tests that a file has and runs."""
    if name.endswith(".py"):
        return set(re.findall(r"^\s*def (test_\w+)\(", text, re.M))
    defined = set(re.findall(r"^static void (\w+)\(void \*\*", text, re.M))
    run = re.findall(
        r"(?:TEST|cmocka_unit_test\w*)\(\s*(\w+)", text)
    return defined & set(run)


def faults(text, files, scenarios):
    """files: name -> its tests."""
    rows = ROW.findall(text)
    numbers = [number for number, _ in rows]
    if numbers != NUMBERS:
        yield f"{CHECKLIST}: its numbers are {' '.join(numbers)}"
    for number, cell in rows:
        proofs = re.findall(r"`(\S+) (\S+)`", cell)
        if not proofs and not cell.startswith(NO_PROOF):
            yield f"{CHECKLIST}: {number} has no proof"
        for file, test in proofs:
            if test not in (scenarios if file == "lab"
                            else files.get(file, ())):
                yield f"{CHECKLIST}: {number}: no {file} {test}"


def test_checklist():
    files = {path.name: names_of(path.name, source.read(path))
             for path in source.files(".c", ".py")
             if path.parts[0] == "tests" and path.name.startswith("test_")}
    scenarios = SCENARIO.findall(source.read(SCENARIOS))
    source.none(list(faults(source.read(CHECKLIST), files, scenarios)))


def test_broken_checklists_are_red():
    good = "".join(f"| {n} | x | 3 | `test_a.c b` |\n" for n in NUMBERS)
    files = {"test_a.c": names_of("test_a.c", """
static void b(void **state)
static void unused(void **state)
	cmocka_unit_test(b),
""")}
    assert not list(faults(good, files, ["c"]))
    assert not list(faults(good.replace("`test_a.c b`", "`lab c`"), files,
                           ["c"]))
    for broken in (good.replace("| 7 |", "| 70 |"),
                   good.replace("test_a.c b", "test_a.c unused", 1),
                   good.replace("test_a.c b", "test_b.c b", 1),
                   good.replace("`test_a.c b`", "`lab d`", 1),
                   good.replace("`test_a.c b`", "surely", 1)):
        assert list(faults(broken, files, ["c"]))
