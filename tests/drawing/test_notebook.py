"""Networks and compiled modules show themselves in notebooks as diagrams."""

import copy
from collections.abc import Callable
from typing import Any

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
