#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual page and the tables of commands and options say the same.
usage: test_man.py MOAT PAGE"""

import json
import re
import subprocess
import sys
from pathlib import Path

HEADING = re.compile(r"^\.S([hs]) (.*)$")
OPTION = re.compile(r"Fl -([a-z][a-z0-9-]*)")


def of_page(text):
    """{"lint policy": {"http-status", ...}, "": the global ones}"""
    found, name = {}, None
    for line in text.splitlines():
        heading = HEADING.match(line)
        if heading and heading[1] == "h":
            name = "" if heading[2] == "OPTIONS" else None
            found.setdefault(name, set())
        elif heading:
            name = heading[2].split(" Ar ")[0]
            found[name] = set()
        elif line.startswith(".It Fl"):
            found.setdefault(name, set()).update(OPTION.findall(line))
    found.pop(None, None)
    return found


def of_program(moat):
    listed = json.loads(subprocess.run([moat, "--help", "--json"], check=True,
                                       capture_output=True).stdout)
    found = {command["name"]: {o["name"] for o in command["options"]}
             for command in listed["commands"]}
    found[""] = {option["name"] for option in listed["options"]}
    return found


def differences(page, program):
    for name in sorted(page.keys() | program.keys()):
        if name not in page:
            yield f"moat {name}: not in the manual page"
        elif name not in program:
            yield f"moat {name}: only in the manual page"
        else:
            for option in sorted(page[name] ^ program[name]):
                where = "page" if option in page[name] else "program"
                yield f"moat {name} --{option}: only in the {where}"


def main(moat, page):
    wanted = of_program(moat)
    assert "" in wanted and "json" in wanted[""]
    # The test itself: it must see what is missing on either side.
    assert list(differences({}, wanted)) and list(differences(wanted, {}))
    assert list(differences({**wanted, "": {"json"}}, wanted))
    found = list(differences(of_page(Path(page).read_text()), wanted))
    assert not found, "\n".join(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
