"""From a compiled module to torch's exported program, the common ground of deployment formats."""

from __future__ import annotations

import torch
from torch import Tensor, fx
from torch.export import Dim, ExportedProgram

from archdsl.diagnostics import fail
from archdsl.graph.model import Network
from archdsl.targets.torch.trial import trial_input, undisturbed


def exported(network: Network, module: fx.GraphModule, form: str) -> ExportedProgram:
    """A checked network's module in eval mode, for any number of samples at once.

    Input ``x`` is N×C×H×W. Raises ArchError for networks that take anything but one tensor;
    ``form`` names the format in that message.
    """
    device = next((tensor.device for tensor in module.state_dict().values()), torch.device("cpu"))
    arguments = trial_input(network, device)
    example = arguments.get("x")
    if not isinstance(example, Tensor):
        instance = network.graph.nodes[network.input]["instance"]
        raise fail(
            f"{form} holds networks that take one tensor, and {network.name} takes images",
            instance.span,
            help="compile it without an output file, or save its weights as .safetensors",
        )
    # Not one sample: a size of 1 would be taken for a constant.
    batch = torch.cat([example, example])
    with undisturbed(module, training=False):
        return torch.export.export(module, (batch,), dynamic_shapes=({0: Dim("N")},))
