"""Blocks that keep their inputs alone: the same numbers for less memory, in copies and files."""

import copy
import io

import torch
from torch import Tensor, nn

import archdsl
from archdsl.training.blocks import blocks, recomputed

TEXT = """
template <int K, typename SUBNET> using conv = con<4,K,K,1,1,SUBNET>;
template <typename SUBNET> using unit = relu<conv<3,relu<batch_norm<conv<3,SUBNET>>>>>;
template <typename SUBNET> using twice = add_prev1<conv<1,relu<conv<3,tag1<SUBNET>>>>>;
using net_type = fc<3,twice<unit<input<4,5,5>>>>;
"""


def built() -> nn.Module:
    return archdsl.load(TEXT).to_torch(seed=1)


def gradients(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    module.zero_grad()
    module(x).square().sum().backward()
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def kept(module: nn.Module, x: Tensor) -> int:
    """Number of values that the backward pass waits for."""
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        sizes[tensor.untyped_storage()._cdata] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(x)
    return sum(sizes.values())


def test_gradients_are_the_same_for_less_that_is_kept() -> None:
    x = torch.rand(2, 4, 5, 5)
    plain, anew = built(), built()
    recomputed(anew)
    assert list(plain.state_dict()) == list(anew.state_dict())
    assert kept(anew, x) < kept(plain, x)
    for name, gradient in gradients(plain, x).items():
        torch.testing.assert_close(gradients(anew, x)[name], gradient)


def test_batch_norms_count_a_batch_once() -> None:
    """Their statistics are those of a step without computing anew."""
    x = torch.rand(2, 4, 5, 5)
    plain, anew = built(), built()
    recomputed(anew)
    for module in (plain, anew):
        gradients(module, x)
    for (name, one), other in zip(plain.named_buffers(), anew.buffers(), strict=True):
        torch.testing.assert_close(other, one, msg=name)


def test_a_copy_computes_by_its_own_weights() -> None:
    x = torch.rand(2, 4, 5, 5)
    module = built()
    recomputed(module)
    copied = copy.deepcopy(module).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert copied(x).abs().sum() > 0 and module(x).abs().sum() == 0
    assert kept(copied, x) < kept(built().eval(), x)


def test_every_block_is_still_one_and_loads_from_a_file() -> None:
    module = built()
    names = [type(block).__name__ for block in blocks(module)]
    recomputed(module)
    assert len(names) == 2 and [type(block).__name__ for block in blocks(module)] == names
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False).eval()
    x = torch.rand(2, 4, 5, 5)
    torch.testing.assert_close(loaded(x), module.eval()(x))
