"""Vim itself says what it takes the words of a text for."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import regenerate

RUNTIME = regenerate.GRAMMARS / "vim"

TEXT = """\
// year: 2015
#include "blocks/vgg.arch"
template <int N, typename SUBNET>
using unit = relu<con_<N,3,3,bias=false,SUBNET>>;
param float width = 1.5;
using net_type = repeat<max(2,3), unit<8>, scale<g, roi_pool<m, 7, scale=2, input<3,8,8>>>>;
"""

EXPECTED = {
    (1, "//"): "archComment",
    (1, "year:"): "archFact",
    (2, "#include"): "archInclude",
    (2, '"blocks'): "archIncluded",
    (3, "template"): "archStorage",
    (3, "int"): "archType",
    (3, "SUBNET"): "archParameter",
    (4, "using"): "archUsing",
    (4, "unit"): "archDefinition",
    (4, "relu"): "archLayer",
    (4, "con_"): "archLayer",
    (4, "bias"): "archArgument",
    (4, "false"): "archBoolean",
    (5, "param"): "archModifier",
    (5, "1.5"): "archFloat",
    (6, "net_type"): "archDefinition",
    (6, "repeat"): "archCombinator",
    (6, "max"): "archFunction",
    (6, "unit"): "archTemplateUse",
    (6, "8"): "archNumber",
    (6, "scale<"): "archCombinator",
    (6, "scale="): "archArgument",
    (6, "input"): "archInput",
    (6, ">>>>"): "archBracket",
}

# The name of the syntax group at each place, as JSON into a file.
SCRIPT = """
let groups = map({places}, 'synIDattr(synID(v:val[0], v:val[1], 1), "name")')
call writefile([json_encode(groups)], '{out}')
qall!
"""


def test_vim_knows_the_words(tmp_path: Path) -> None:
    vim = shutil.which("vim")
    if vim is None:
        pytest.skip("needs Vim")
    version = subprocess.run([vim, "--version"], capture_output=True, text=True, check=True).stdout
    if "+syntax" not in version or "+eval" not in version:
        pytest.skip("needs a Vim with syntax highlighting")
    spec, script, out = tmp_path / "net.arch", tmp_path / "ask.vim", tmp_path / "groups.json"
    spec.write_text(TEXT)
    lines = TEXT.splitlines()
    places = [[line, lines[line - 1].index(word) + 1] for line, word in EXPECTED]
    script.write_text(SCRIPT.format(places=json.dumps(places), out=out))
    setup = [f"set runtimepath^={RUNTIME}", "filetype plugin on", "syntax on"]
    before = [part for command in setup for part in ("--cmd", command)]
    subprocess.run(
        [vim, "-N", "-u", "NONE", "-i", "NONE", "-n", "-es", *before, "-S", str(script), str(spec)],
        check=False,
        capture_output=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    found = dict(zip(EXPECTED, json.loads(out.read_text()), strict=True))
    assert found == EXPECTED
