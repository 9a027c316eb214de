# SPDX-License-Identifier: Apache-2.0
"""source: which files of the tree the linters look at."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def files(*suffixes, root=ROOT):
    """The files git knows or would add, with one of the suffixes, as paths
    relative to the root. A checkout without git: every file but builds."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=root,
            capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = [str(p.relative_to(root)) for p in root.rglob("*")
                  if p.is_file() and p.relative_to(root).parts[0]
                  not in ("build", ".trial", ".git")]
    return sorted(Path(name) for name in set(listed)
                  if (not suffixes or name.endswith(suffixes))
                  and (root / name).is_file())


def read(path, root=ROOT):
    return (root / path).read_text(encoding="utf-8", errors="replace")


def none(found, what=None):
    """Fails the test with what was found, unless that is nothing."""
    if found:
        pytest.fail("\n".join([what] * (what is not None) + list(found)),
                    pytrace=False)
