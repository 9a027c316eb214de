# SPDX-License-Identifier: Apache-2.0
"""built: what a bench needs before it can begin: programs of moat, and the
peers beside which they are measured."""

import os
import shutil
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def build_folder():
    """MOAT_BUILD, or else the optimised tree that ./test has made."""
    folder = Path(os.environ.get("MOAT_BUILD", TOP / "build/optimised"))
    if not (folder / "bench/report_speed").exists():
        sys.exit(f"{folder} holds no programs of moat. Either run ./test "
                 "--only unit, which makes build/optimised, or:\n"
                 "    meson setup FOLDER -Dbuildtype=release\n"
                 "    ninja -C FOLDER\n"
                 f"    MOAT_BUILD=FOLDER {sys.argv[0]}")
    return folder.resolve()


def need(*programs):
    """Ends the bench unless all of them are installed."""
    missing = [p for p in programs if shutil.which(p) is None]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)}; "
                 "tools/install-packages bench installs it")
