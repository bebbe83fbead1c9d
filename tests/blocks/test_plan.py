"""The plan of a network is made once, and goes with the network."""

from __future__ import annotations

import gc
import pickle
import weakref

import archdsl
from archdsl.backends.plan import plan


def test_a_network_is_planned_once_and_let_go() -> None:
    network = archdsl.load("param int n = 3; using net_type = fc<n,input<3,4,4>>;")
    first = plan(network.checked)
    assert plan(network.checked) is first
    assert plan(network.sized((3, 5, 5)).checked) is not first
    seen = weakref.ref(first)
    del network, first
    gc.collect()
    assert seen() is None


def test_a_network_knows_the_text_it_comes_from_as_data() -> None:
    text = "param int n = 3; using net_type = fc<n,input<3,4,4>>;"
    origin = archdsl.load(text, n=4).checked.origin
    assert origin is not None and origin.source.text == text and origin.settings == {"n": 4}
    assert pickle.loads(pickle.dumps(origin)).settings == {"n": 4}
