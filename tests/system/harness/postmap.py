# SPDX-License-Identifier: Apache-2.0
"""postmap: look-ups as Postfix itself makes them, with a configuration of
their own. Nothing of /etc/postfix is read or written."""

import subprocess
from pathlib import Path

LOOKUP_S = 30


class Postmap:
    """ask(map, key) asks the socketmap at inet:HOST:PORT or unix:PATH."""

    def __init__(self, folder, at):
        self.folder = Path(folder)
        self.at = at
        self.folder.mkdir()
        (self.folder / "main.cf").write_text("compatibility_level = 3.6\n",
                                             encoding="ascii")

    def ask(self, name, key):
        """The value; None for no such key. RuntimeError: anything else, as
        TEMP."""
        done = subprocess.run(
            ["postmap", "-c", self.folder, "-q", key,
             f"socketmap:{self.at}:{name}"],
            capture_output=True, timeout=LOOKUP_S, check=False)
        said = done.stderr.decode(errors="replace")
        if done.returncode == 1 and not said:
            return None
        if done.returncode != 0 or said:
            raise RuntimeError(said)
        return done.stdout.decode("ascii").removesuffix("\n")
