"""The plan of a network is made once, and goes with the network."""

from __future__ import annotations

import gc
import pickle
import weakref

import torch
import torch.nn.functional as F

import archdsl
from archdsl.backends.plan import Operation, plan


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


def joined(network: archdsl.Network) -> list[list[Operation]]:
    """The parts of each concatenation in a plan."""
    operations = plan(network.checked).operations
    return [each.arguments[0] for each in operations if each.target == "torch.cat"]


def test_a_dense_block_goes_on_from_what_it_joined() -> None:
    """Huang et al. 2016, equation 2: each layer takes all that came before; 16 of them a block."""
    network = archdsl.load("densenet_bc_100")
    found = joined(network)
    assert [len(parts) for parts in found] == [2] * 48
    goes_on = [parts[0].target == "torch.cat" for parts in found]
    assert goes_on == [at % 16 > 0 for at in range(48)]


def test_what_was_written_over_is_joined_anew() -> None:
    """The ReLU works in place: its input is not what the last layer joins."""
    network = archdsl.load(
        """concat3<tag1,tag2,tag3,tag3<relu<concat2<tag1,tag2,tag2<con<3,3,3,1,1,
        tag1<con<2,3,3,1,1,input<1,5,5>>>>>>>>>"""
    )
    assert [len(parts) for parts in joined(network)] == [2, 3]
    module = network.to_torch(seed=1)
    first, second = (p for p in module.children() if isinstance(p, torch.nn.Conv2d))
    x = torch.randn(2, 1, 5, 5)
    with torch.no_grad():
        a = F.conv2d(x, first.weight, first.bias, padding=1)
        b = F.conv2d(a, second.weight, second.bias, padding=1)
        wanted = torch.cat([a, b, torch.cat([a, b], 1).relu()], 1)
        assert torch.equal(module(x), wanted)
