"""Names in a spec that a PyTorch module cannot have."""

import keyword

import pytest
import torch
from torch import fx, nn

import archdsl
from archdsl.ir.names import allowed

MODULE = set(dir(nn.Module())) | set(dir(fx.GraphModule(nn.Module(), fx.Graph())))


@pytest.mark.parametrize("name", sorted(MODULE | set(keyword.kwlist) | {"criterion"}))
def test_what_a_module_has_already_is_renamed(name: str) -> None:
    assert allowed(name) not in MODULE
    assert not keyword.iskeyword(allowed(name))


@pytest.mark.parametrize("name", ["half", "pass", "forward", "_modules", "train", "lambda"])
def test_templates_of_any_name_compile(name: str) -> None:
    text = f"template <typename S> using {name} = relu<con<2,1,1,1,1,S>>;"
    module = archdsl.compile(f"{text} using net_type = fc<2,{name}<input<1,4,4>>>;").eval()
    x = torch.randn(2, 1, 4, 4)
    (conv,) = (m for m in module.modules() if isinstance(m, nn.Conv2d))
    torch.testing.assert_close(module(x), module.fc(conv(x).relu().flatten(1)))
    assert module.half().fc.weight.dtype == torch.float16
