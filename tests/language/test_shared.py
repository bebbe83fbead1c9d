"""Blocks that share their weights: one module of torch, called at every use."""

import copy
import pickle
from pathlib import Path

import pytest
import torch
from support.commands import run
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import archdsl

SIAMESE = """
template <int I, typename SUBNET> using picture = chunk<I,2,SUBNET>;
template <typename SUBNET> using tower = fc<64,relu<con<16,5,5,2,2,SUBNET>>>;
using net_type = fc<1,add_prev1<multiply<-1,shared<embed,tower,picture<1,skip2<
                 tag1<shared<embed,tower,picture<0,tag2<input<2,28,28>>>>>>>>>>>;
"""


class Siamese(nn.Module):
    """The same, written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 5, 2)
        self.fc1 = nn.Linear(16 * 12 * 12, 64)
        self.fc2 = nn.Linear(64, 1)

    def embed(self, x: Tensor) -> Tensor:
        return self.fc1(torch.relu(self.conv(x)).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.embed(x[:, :1]) - self.embed(x[:, 1:]))


def pair() -> tuple[nn.Module, Siamese]:
    """The compiled network and the one written by hand, with the same weights."""
    module, reference = archdsl.compile(SIAMESE, seed=0), Siamese()
    theirs = reference.state_dict().values()
    module.load_state_dict(dict(zip(module.state_dict(), theirs, strict=True)))
    return module, reference


def test_it_is_one_module_that_is_called_twice() -> None:
    module, reference = pair()
    assert list(module.state_dict()) == [
        *("embed.conv.weight", "embed.conv.bias"),
        *("embed.fc.weight", "embed.fc.bias", "fc.weight", "fc.bias"),
    ]
    x = torch.randn(3, 2, 28, 28)
    found, expected = module(x), reference(x)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    expected.sum().backward()
    # Both uses give it a gradient.
    torch.testing.assert_close(module.embed.conv.weight.grad, reference.conv.weight.grad)


def test_parameters_count_once_and_operations_at_every_use() -> None:
    summary = archdsl.load(SIAMESE).summary()
    reference = Siamese()
    assert summary.parameters == sum(p.numel() for p in reference.parameters())
    assert summary.trainable == summary.parameters
    with FlopCounterMode(display=False) as counter:
        reference(torch.randn(1, 2, 28, 28))
    assert 2 * summary.macs == counter.get_total_flops()
    rows = {row.path: row.parameters for row in summary.rows}
    assert rows["embed.conv"] == 16 * 26 and rows["embed@2.conv"] == 0


def test_copies_and_pickles_share_as_well() -> None:
    module, _ = pair()
    x = torch.randn(2, 2, 28, 28)
    for made in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(made(x), module(x))
        with torch.no_grad():
            made.embed.conv.weight.zero_()
        assert not torch.allclose(made(x), module(x))


def test_source_makes_it_once_and_calls_it_twice() -> None:
    module, _ = pair()
    text = archdsl.load(SIAMESE).to_python()
    assert text.count("self.embed = Tower(") == 1
    assert text.count("self.embed(") == 2
    space: dict[str, type[nn.Module]] = {}
    exec(text, space)
    twin = space["NetType"]()
    twin.load_state_dict(module.state_dict())
    x = torch.randn(2, 2, 28, 28)
    torch.testing.assert_close(twin(x), module(x))


def test_weights_of_an_onnx_file_are_there_once(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    (tmp_path / "it.arch").write_text(SIAMESE)
    done = run("compile", tmp_path / "it.arch", "-o", tmp_path / "it.onnx")
    assert done.exit_code == 0, done.output
    graph = onnx.load(tmp_path / "it.onnx").graph
    sizes = [tuple(each.dims) for each in graph.initializer]
    assert sizes.count((16, 1, 5, 5)) == 1
    assert [node.op_type for node in graph.node].count("Conv") == 2


def test_a_name_belongs_to_the_instance_of_the_template_around() -> None:
    text = """
    template <typename SUBNET>
    using twice = shared<a, con<4,3,3,bias=false>, shared<a, con<4,3,3,bias=false>, SUBNET>>;
    using net_type = twice<twice<input<4,8,8>>>;
    """
    module = archdsl.compile(text)
    assert list(module.state_dict()) == ["twice1.a.conv.weight", "twice2.a.conv.weight"]
    assert archdsl.load(text).summary().parameters == 2 * 4 * 4 * 9
    recurrent = archdsl.compile("repeat<5,shared<a,con<4,3,3>>,input<4,8,8>>", seed=0)
    x = torch.randn(1, 4, 8, 8)
    expected = x
    for _ in range(5):
        expected = recurrent.a.conv(expected)
    torch.testing.assert_close(recurrent(x), expected)


def test_a_use_may_be_the_body_of_a_residual() -> None:
    text = "residual<shared<a,con<4,3,3>>,residual<shared<a,con<4,3,3>>,input<4,8,8>>>"
    module = archdsl.compile(text, seed=0)
    x = torch.randn(2, 4, 8, 8)
    once = x + module.a.conv(x)
    torch.testing.assert_close(module(x), once + module.a.conv(once))


def test_work_in_place_spares_what_another_use_reads() -> None:
    text = "add_prev1<shared<a,relu,shared<a,relu,tag1<con<4,3,3,input<4,8,8>>>>>>"
    module = archdsl.compile(text, seed=0)
    x = torch.randn(2, 4, 8, 8)
    features = module.conv(x)
    torch.testing.assert_close(module(x), features.relu() + features)


def test_dlib_has_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "it.arch").write_text("fc<3,shared<a,relu<con<4,3,3>>,input<4,8,8>>>")
    done = run("compile", tmp_path / "it.arch", "-o", tmp_path / "it.dat")
    assert done.exit_code == 1 and "nothing like shared" in done.stderr
