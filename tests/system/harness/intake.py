# SPDX-License-Identifier: Apache-2.0
"""One role of moatd that takes reports into the spool, over a view made for
it by tools/edge_state.c."""

import os
import subprocess
from pathlib import Path

from .moat import Moat, build_folder, ordinary_user


class Intake(Moat):
    def __init__(self, role, folder, defaults, settings=None, state=None):
        merged = {"server": {"roles": role, "log_level": "info"},
                  **defaults}
        for section, keys in (settings or {}).items():
            merged.setdefault(section, {}).update(keys)
        super().__init__(folder, merged)
        self.role = role
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run_dir.mkdir(exist_ok=True)
        self.state = Path(state or self.state)
        self.settings["server"]["state_dir"] = self.state
        self.ca = self.folder / "ca.pem"
        tool = build_folder() / "tests" / "system" / "tools" / "edge_state"
        subprocess.run([tool, self.state, self.ca], check=True)
        if os.geteuid() == 0:
            for path in (self.state, self.run_dir):
                subprocess.run(["chown", "-R", ordinary_user(), path],
                               check=True)

    @property
    def pid(self):
        return self.role_pids(self.role)[0]

    def files(self, folder="new"):
        path = self.state / "spool" / folder
        return sorted(path.iterdir()) if path.is_dir() else []
