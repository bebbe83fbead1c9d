"""Networks and compiled modules show themselves in notebooks as diagrams."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

import archdsl

SPEC = "loss_multiclass_log<fc<10,relu<con<7,5,5,2,2,input<1,12,12>>>>>"
SVG = "image/svg+xml"


def network() -> archdsl.Network:
    return archdsl.load(SPEC)


@pytest.mark.parametrize(
    ("wish", "kinds"),
    [
        ({}, {SVG, "text/plain"}),
        ({"include": None, "exclude": None}, {SVG, "text/plain"}),
        ({"include": {SVG}}, {SVG}),
        ({"include": {"text/plain", "text/html"}}, {"text/plain"}),
        ({"exclude": {SVG}}, {"text/plain"}),
        ({"include": {SVG}, "exclude": {SVG}}, set()),
    ],
)
def test_a_network_shows_what_is_asked_for(wish: dict[str, Any], kinds: set[str]) -> None:
    shown = network()._repr_mimebundle_(**wish)
    assert set(shown) == kinds
    if SVG in kinds:
        assert shown[SVG] == network().draw()
    if "text/plain" in kinds:
        assert shown["text/plain"] == repr(network())


def test_nothing_is_drawn_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archdsl.Network, "draw", lambda self: pytest.fail("drawn"))
    network()._repr_mimebundle_(exclude={SVG})
    module = network().to_torch()
    assert module._repr_mimebundle_(include={"text/html"}) == {}


def test_what_is_wrong_is_shown_as_text() -> None:
    broken = archdsl.load("fc<10,con<7,5,5,1,1,padding=0,input<1,2,2>>>")
    with pytest.raises(archdsl.ArchError) as error:
        broken.check()
    shown = broken._repr_mimebundle_()
    assert set(shown) == {"text/plain"}
    assert shown["text/plain"] == str(error.value)


COPIES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "itself": lambda module: module,
    "deepcopy": copy.deepcopy,
    "copy of a copy": lambda module: copy.deepcopy(copy.deepcopy(module)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_compiled_module_shows_its_network(how: str) -> None:
    module = COPIES[how](network().to_torch(seed=1).eval())
    assert module._repr_mimebundle_()[SVG] == network().draw()
    assert module._repr_mimebundle_(exclude={SVG}) == {}
    assert module(torch.rand(2, 1, 12, 12)).shape == (2, 10)
    assert [name for name, _ in module.named_children()][:3] == ["conv", "relu", "fc"]


def test_ipython_shows_both() -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    display = formatters.DisplayFormatter()
    for shown in (network(), archdsl.compile(SPEC)):
        bundle, _ = display.format(shown)
        assert bundle[SVG] == network().draw()
        assert bundle["text/plain"]
    plain = nn.ReLU()
    assert set(display.format(plain)[0]) == {"text/plain"}


# ---- summaries, errors and the cell magic ----


def test_a_summary_is_a_table_of_html() -> None:
    """The totals by hand: a convolution of 7 × 5 × 5 + 7, behind it 7 × 4 × 4 values for 10."""
    html = network().summary()._repr_html_()
    root = ElementTree.fromstring(html)
    (body,) = root.iter("tbody")
    rows = [[cell.text or "" for cell in row] for row in body]
    assert [row[1] for row in rows] == ["input", "con", "relu", "fc", "loss_multiclass_log"]
    assert rows[1][2:4] == ["7×4×4", "182"]
    assert rows[3][2:4] == ["10", "1,130"]
    (foot,) = root.iter("tfoot")
    assert "1,312" in [cell.text for cell in foot[0]]


def test_a_summary_is_a_table_of_text() -> None:
    lines = repr(network().summary()).splitlines()
    assert lines[0].split() == ["layer", "kind", "output", "parameters", "MACs", "sees"]
    assert lines[-1] == str(network().summary())
    assert any("7×4×4" in line for line in lines) and not any("(Row" in line for line in lines)


def test_the_text_of_a_long_summary_leaves_out_its_middle() -> None:
    text = repr(archdsl.load("repeat<1000,relu,input<1,2,2>>").summary())
    assert "941 more" in text and text.count("\n") < 70


def test_hostile_names_stay_text() -> None:
    from archdsl.text.tables import Table, html_table

    made = html_table(Table([("<b>", "left")], [("<script>&",)], ("",)), "<i>")
    assert "<script>" not in made and "&lt;script&gt;&amp;" in made and "<i>" not in made


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    config = pytest.importorskip("traitlets.config").Config()
    config.HistoryManager.enabled = False
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    made = interactive.InteractiveShell(config=config)
    made.run_line_magic("load_ext", "archdsl")
    yield made
    interactive.InteractiveShell.clear_instance()


def test_the_magic_draws_a_cell_and_keeps_its_network(shell: Any) -> None:
    found = shell.run_cell(f"%%arch net --input 1x20x20\n{SPEC}").result
    assert found.summary().input == (1, 20, 20) and shell.user_ns["net"] is found
    bundle, _ = shell.display_formatter.format(found)
    assert bundle[SVG].startswith("<svg")


def test_the_magic_takes_settings_and_shows_tables(shell: Any) -> None:
    cell = "param int classes = 10;\nusing a = relu<input<1,2,2>>;\nusing b = fc<classes,a>;"
    found = shell.run_cell(f"%%arch -D classes=3 --summary --net b\n{cell}").result
    assert found.outputs == {"output": (3,)}
    bundle, _ = shell.display_formatter.format(found)
    assert "<table" in bundle["text/html"]


@pytest.mark.parametrize(
    ("line", "cell", "message"),
    [
        ("", "fc<10,rleu<input<1,2,2>>>", "did you mean 'relu'?"),
        ("--widht 3", "relu<input<1,2,2>>", "unrecognized arguments"),
        ("-D classes", "relu<input<1,2,2>>", "expected NAME=VALUE"),
        ("'", "relu<input<1,2,2>>", "no closing quotation"),
        ("fc<10>", "relu<input<1,2,2>>", "no name of a variable"),
        ("--input 3", "relu<input<1,2,2>>", "expected CxHxW"),
    ],
)
def test_errors_of_a_cell_are_the_message_alone(
    shell: Any, capsys: pytest.CaptureFixture[str], line: str, cell: str, message: str
) -> None:
    done = shell.run_cell(f"%%arch {line}\n{cell}")
    assert isinstance(done.error_in_exec, archdsl.ArchError)
    shown = "".join(capsys.readouterr())
    assert message in shown and "Traceback" not in shown and ".py" not in shown


def test_errors_of_calls_are_the_message_alone(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("import archdsl; archdsl.load('fc<10,rleu<input<1,2,2>>>')")
    shown = "".join(capsys.readouterr())
    assert shown.strip().startswith("<text>:1:7: error[E101]") and "Traceback" not in shown


def test_warnings_of_a_cell_are_printed(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("%%arch\nrelu<input<224,224,3>>;")
    assert "warning[W013]" in capsys.readouterr().out
