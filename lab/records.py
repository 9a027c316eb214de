# SPDX-License-Identifier: Apache-2.0
"""records: what arrived, one JSON object a line in a file, written by the
servers that took it."""

import json
import time


def writer(path):
    """A function that appends one object to the file."""
    out = open(path, "a", encoding="utf-8", buffering=1)

    def record(what):
        out.write(json.dumps({"at": time.time(), **what}) + "\n")
    return record


def read(path):
    """All objects of a file, whole lines only."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n")[:-1]]
