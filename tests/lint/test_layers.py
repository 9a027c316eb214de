# SPDX-License-Identifier: Apache-2.0
"""The dependency rule: no upward include, no job including another job, no
third-party header outside its module. layers.toml holds the tables."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import source

RULES = tomllib.loads(
    (Path(__file__).parent / "layers.toml").read_text(encoding="utf-8"))
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def folder_of(path):
    """The folder a file of src/ or lib/ counts to."""
    return path.parts[1] if path.parts[0] == "src" else path.parts[0]


def own_include(path, header):
    if header == "moat.h":
        return None if path.parts[0] == "lib" else "moat.h is for users of lib"
    if "/" not in header:
        return f'"{header}" is not a path from src/'
    here, there = folder_of(path), header.split("/")[0]
    if here not in RULES["folders"]:
        return f"folder {here} is not in layers.toml"
    if there == here or there in RULES["folders"][here]:
        return None
    return f'{here} may not include "{header}"'


def system_include(path, header):
    for pattern, owners in RULES["third_party"].items():
        if fnmatch(header, pattern):
            if any(fnmatch(str(path), owner) for owner in owners):
                return None
            return f"<{header}> belongs to {' '.join(owners)} alone"
    if any(fnmatch(header, known) for known in RULES["libc"]["headers"]):
        return None
    return f"<{header}> is not in layers.toml"


def findings(path, text):
    """Every broken rule of one file, as lines of text."""
    check = {'"': own_include, "<": system_include}
    for kind, header in INCLUDE.findall(text):
        said = check[kind](path, header)
        if said is not None:
            yield f"{path}: {said}"


def test_tree():
    found = [said for path in source.files(".c", ".h")
             if path.parts[0] in ("src", "lib")
             for said in findings(path, source.read(path))]
    source.none(found)


def red(path, text):
    return list(findings(Path(path), text)) != []


def test_upward_include_is_red():
    assert red("src/base/str.c", '#include "proto/sts.h"\n')
    assert red("src/proto/a.c", '#include "io/loop.h"\n')
    assert red("src/hosting/a.c", '#include "api/settings.h"\n')
    assert not red("src/proto/a.c", '#include "base/str.h"\n')


def test_sibling_include_is_red():
    assert red("src/hosting/a.c", '#include "intake/digest.h"\n')
    assert red("src/alert/a.c", '#include "api/route.h"\n')
    assert red("src/store/a.c", '#include "view/view.h"\n')


def test_third_party_outside_its_module_is_red():
    assert red("src/hosting/a.c", "#include <openssl/ssl.h>\n")
    assert red("src/io/pki.c", "#include <openssl/ssl.h>\n")
    assert red("src/store/store.c", "# include <sqlite3.h>\n")
    assert not red("src/io/tls.c", "#include <openssl/ssl.h>\n")
    assert not red("src/io/pki_csr.c", "#include <openssl/evp.h>\n")


def test_unknown_header_is_red():
    assert red("src/io/a.c", "#include <ares.h>\n")
    assert red("src/io/a.c", '#include "loop.h"\n')
    assert red("src/utils/a.c", '#include "base/str.h"\n')
