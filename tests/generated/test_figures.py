"""Figures of random networks fit a page, and nothing in them lies on anything else."""

from hypothesis import given
from modules import cases
from reader import read
from routes import check_nothing_overlaps, check_routes
from support.random_networks import networks

import archdsl
from archdsl.viz.draw import DrawOptions
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.svg import svg_text

A4 = 595.0, 842.0


@cases(30)
@given(networks())
def test_a_random_network_is_a_page(text: str) -> None:
    network = archdsl.load(text).checked
    figure, theme = fitted(network, DrawOptions())
    check_routes(figure.page.placed)
    svg = svg_text(figure, theme)
    found = read(svg)
    check_nothing_overlaps(found)
    long, short = max(found.width, found.height), min(found.width, found.height)
    assert long <= 1.8 * short
    smallest = min(each.size for each in [*found.free, *(words for words, _ in found.inside)])
    assert smallest * min(A4[1] / long, A4[0] / short) >= 7
    assert svg_text(*fitted(network, DrawOptions())) == svg


@cases(30)
@given(networks())
def test_in_every_direction(text: str) -> None:
    network = archdsl.load(text).checked
    for direction in ("TB", "LR", "snake"):
        check_routes(fitted(network, DrawOptions(direction=direction))[0].page.placed)
