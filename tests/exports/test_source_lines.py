"""Long statements of written source are broken as black breaks them; expected by hand."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from archdsl.backends.source.layout import WIDTH, block, lines

LONG = "a" * 50


def test_the_last_bracket_is_opened() -> None:
    assert lines(f"x = first({LONG})[0] + second({LONG}, 1)", 1) == [
        f"    x = first({LONG})[0] + second(",
        f"        {LONG}, 1",
        "    )",
    ]


def test_a_call_has_an_item_a_line_where_it_needs_that() -> None:
    assert lines(f"x = call({LONG}, {LONG}, (1, 2))", 0) == [
        "x = call(",
        f"    {LONG},",
        f"    {LONG},",
        "    (1, 2),",
        ")",
    ]


def test_a_list_always_has_an_item_a_line() -> None:
    assert lines(f"x = [{LONG}, {'b' * 33}, 3]", 0) == [
        "x = [",
        f"    {LONG},",
        f"    {'b' * 33},",
        "    3,",
        "]",
    ]


def test_a_definition_opens_its_parameters_and_not_its_type() -> None:
    assert lines(f"def f(self, {LONG}: Tensor) -> tuple[Tensor, Tensor, Tensor]:", 0) == [
        "def f(",
        f"    self, {LONG}: Tensor",
        ") -> tuple[Tensor, Tensor, Tensor]:",
    ]


def test_brackets_and_commas_of_a_text_are_letters() -> None:
    text = '"' + '(,\\"[' * 14 + '"'
    items = f"{text}, 2, 3, 4, 5"
    assert lines(f"x = call({items})", 0) == ["x = call(", f"    {items}", ")"]


@pytest.mark.parametrize(
    "statement",
    [
        f"x = ({LONG}{LONG},)",
        f'x = {{"a": ({LONG}, {LONG}), "b": [{LONG}]}}',
        f"return nn.Sequential(OrderedDict(a={LONG}({LONG}), b=f((1,), {LONG})))",
    ],
)
def test_what_is_broken_means_the_same_and_fits(statement: str) -> None:
    broken = lines(statement, 0)
    assert len(broken) > 1
    assert ast.dump(ast.parse("\n".join(broken))) == ast.dump(ast.parse(statement))
    assert all(len(line) <= WIDTH for line in broken if line.strip() != f"{LONG}{LONG},")


def test_statements_begin_with_their_own_depth() -> None:
    assert block(["for i in x:", "    f(i)"], 1) == ["    for i in x:", "        f(i)"]


def test_source_that_needs_torch_alone_is_written_without_torchvision() -> None:
    """To import torchvision takes as long as to import torch."""
    program = (
        "import sys, archdsl; archdsl.load('lenet').to_python();print('torchvision' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n"
