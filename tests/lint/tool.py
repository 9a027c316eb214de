# SPDX-License-Identifier: Apache-2.0
"""tool: runs a linter of the system over files."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import source


def run(*argv):
    """Exit code and output of one command, run in the root."""
    done = subprocess.run([str(word) for word in argv], cwd=source.ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=300, check=False)
    return done.returncode, done.stdout


def complaints(command, paths):
    """What command(path) says, run side by side, of each path it rejects."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        for code, said in workers.map(lambda p: run(*command(p)), paths):
            if code != 0:
                yield said
