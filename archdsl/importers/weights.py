"""Weights for a compiled network: from a file, or from the reference that it matches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from archdsl.backends.formats import darknet
from archdsl.diagnostics import coded, fail, listing
from archdsl.diagnostics.foreign import DAMAGED, parsing
from archdsl.dlib import SUFFIXES
from archdsl.dlib import weights as dlib
from archdsl.frontend.header import Facts
from archdsl.frontend.run_folder import read_run_folder
from archdsl.importers.archives import require_packed_little
from archdsl.importers.pytorch.modules import of_a_file, original
from archdsl.importers.verification import (
    Match,
    canonical,
    has_auxiliary_heads,
    match,
    match_bodies,
    reference,
    transfer_state_dict,
    transfer_weights,
)
from archdsl.ir.network import Network

_LIBRARIES = ("torchvision:", "timm:")


@coded("E413")
def load_weights(
    module: nn.Module,
    weights: str,
    network: Network,
    known: Facts,
    *,
    new_head: bool = False,
) -> Set[str]:
    """Fill the compiled module of a checked network with weights, in place; returns their names.

    ``weights`` is ``torchvision:NAME``, for the pretrained weights of a reference that the network
    matches, ``FILE.py:NAME`` for those of a module that a Python file makes, which is run for that,
    the folder of a training run, or a file: safetensors, Darknet's ``.weights``, dlib's
    ``.dat``, ``.dnn`` or ``.xml``, Keras's ``.keras`` or ``.weights.h5``, ONNX of the same network,
    or a state_dict or training checkpoint as ``torch.save`` writes it, which is read without
    running code from it. The names in
    a file are the module's own, or those of the reference that the spec's facts, ``known``, state;
    training engines' prefixes before all of them are left out.

    With ``new_head`` the layers that the weights have not, or in another shape, are left as they
    are; so they are where a spec states that its body alone is a reference's. Raises ArchError
    where weights cannot be had or do not fit.
    """
    new_head = new_head or known.body is not None
    run = read_run_folder(Path(weights))
    if run is not None:
        if run.weights is None:
            raise fail(f"the run in {weights} has no weights yet: its first epoch is not over")
        weights = str(run.weights)
    model = None
    if weights.startswith(_LIBRARIES):
        model = reference(weights, weights="DEFAULT", aux=_wants_aux(network, weights))
    elif of_a_file(weights):
        model = original(weights)
    if model is not None:
        found = _fitting(model, module, weights, network, new_head)
        transfer_weights(found, model, module)
        return _names(found)
    state = _read(Path(weights), network, module)
    own = module.state_dict()
    named = _stripped(state, own.keys())
    if named is not None:
        return _load_own(module, named, weights, new_head=new_head)
    name = known.reference or known.body
    return _transfer_from_reference(module, state, weights, network, name, new_head)


def _stripped(state: dict[str, Tensor], wanted: Set[str]) -> dict[str, Tensor] | None:
    """The tensors without a prefix that all names have, such that most names are wanted ones.

    Engines wrap the module, and save the names with a prefix for each wrapper: ``net.module.``.
    ``None`` where most are others. Some may be the same by chance: a last layer is called fc nearly
    everywhere.
    """
    while 2 * len(state.keys() & wanted) < len(state):
        (prefix, *others) = {name.partition(".")[0] for name in state}
        if others or prefix in state:
            return None
        state = {name.partition(".")[2]: tensor for name, tensor in state.items()}
    return state


def _names(found: Match) -> Set[str]:
    """The tensors of the module that a match has the values of."""
    return {name for _, name in found.tensors}


def _read(path: Path, network: Network, module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a file by name."""
    return _READERS.get(path.suffix.lower(), _read_pickle)(path, network, module)


def _read_safetensors(path: Path, *_: object) -> dict[str, Tensor]:
    with parsing(path, "a file of safetensors"):
        return load_file(path)


_WRAPPERS = ("state_dict", "model", "model_state_dict", "net")
"""The keys under which training checkpoints hold a state_dict."""


def _read_pickle(path: Path, *_: object) -> dict[str, Tensor]:
    with parsing(path, "a state_dict as torch.save writes it"):
        if is_zipfile(path):
            with ZipFile(path) as archive:
                require_packed_little(archive.infolist(), str(path))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    for _key in _WRAPPERS:  # one in the other; a dict may hold itself
        if isinstance(loaded, dict):
            inner = (loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), dict))
            loaded = next(inner, loaded)
    if isinstance(loaded, dict):
        loaded.pop("n_averaged", None)  # torch's AveragedModel counts its steps
    if not isinstance(loaded, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in loaded.items()
    ):
        raise fail(
            f"{path} is not a state_dict", None, "expected a dict of tensors by name", code=DAMAGED
        )
    return loaded


def _read_onnx(path: Path, network: Network, module: nn.Module) -> dict[str, Tensor]:
    from archdsl.importers.onnx.weights import read  # needs the package onnx

    return read(path, network, module)


def _read_keras(path: Path, network: Network, module: nn.Module) -> dict[str, Tensor]:
    from archdsl.importers.keras.weights import load  # needs Keras

    return load(path, network, module)


_READERS: dict[str, Callable[[Path, Network, nn.Module], dict[str, Tensor]]] = {
    ".safetensors": _read_safetensors,
    ".weights": darknet.read,
    **dict.fromkeys(SUFFIXES, dlib.read),
    ".onnx": _read_onnx,
    ".keras": _read_keras,
    ".h5": _read_keras,
}
"""By suffix what reads a file; a file with another suffix is what torch.save writes."""


def _load_own(
    module: nn.Module, state: dict[str, Tensor], weights: str, *, new_head: bool
) -> Set[str]:
    """Load a state_dict under the module's own names; all must be there and fit but for a head."""
    own = module.state_dict()
    fitting = {n: t for n, t in state.items() if n in own and own[n].shape == t.shape}
    if new_head and 2 * len(fitting) >= len(own):
        state = fitting
    else:
        _require(state, own, f"the weights in {weights} do not fit the network")
    module.load_state_dict(state, strict=False)
    return state.keys()


def _require(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], message: str) -> None:
    """Raise ArchError where a state_dict does not consist of the wanted tensors."""
    # Checkpoints from before torch 0.4.1 lack this counter, and nothing in eval mode needs it.
    # What a detector knows besides has any length, and other files have none of it.
    extra = "_extra_state"
    wanted = {name: tensor for name, tensor in wanted.items() if not name.endswith(extra)}
    state = {name: tensor for name, tensor in state.items() if not name.endswith(extra)}
    missing = [n for n in wanted if n not in state and not n.endswith("num_batches_tracked")]
    unknown = [name for name in state if name not in wanted]
    wrong = [
        f"{name}: expected {list(wanted[name].shape)}, found {list(state[name].shape)}"
        for name in wanted
        if name in state and wanted[name].shape != state[name].shape
    ]
    if missing or unknown or wrong:
        notes = []
        if wrong:
            notes.append(f"different shapes: {listing(wrong, 4)}")
        if missing:
            notes.append(f"missing: {listing(missing, 4)}")
        if unknown:
            notes.append(f"not in the network: {listing(unknown, 4)}")
        raise fail(message, None, *notes)


def _transfer_from_reference(
    module: nn.Module,
    state: dict[str, Tensor],
    weights: str,
    network: Network,
    name: str | None,
    new_head: bool,
) -> Set[str]:
    """Load a state_dict whose names are those of the network's reference."""
    if name is None:
        raise fail(
            f"the names in {weights} are not those of the network",
            None,
            f"the network's are like {listing(module.state_dict(), 2)}",
            f"the file's are like {listing(state, 2)}",
            help="a spec with a line '// reference: torchvision:NAME' takes that model's names, "
            "--weights FILE.py:NAME the values of the module that a function of a file returns",
        )
    model = reference(name, aux=_wants_aux(network, name))
    wanted = model.state_dict()
    named = _stripped(state, wanted.keys())
    state = state if named is None else named
    found = None
    if new_head:
        found = _fitting(model, module, name, network, new_head)
        body = {theirs for theirs, _ in found.tensors}
        state = {key: tensor for key, tensor in state.items() if key in body}
        wanted = {key: tensor for key, tensor in wanted.items() if key in body}
    elif has_auxiliary_heads(name) and not state.keys() <= wanted.keys():
        # Published weights hold auxiliary heads; a network without them takes the others.
        heads = reference(name, aux=True).state_dict().keys() - wanted.keys()
        state = {key: tensor for key, tensor in state.items() if key not in heads}
    message = f"the weights in {weights} are neither {network.name}'s own nor those of {name}"
    _require(state, wanted, message)
    found = found or _fitting(model, module, name, network, new_head)
    transfer_state_dict(found, state, module)
    return _names(found)


def _wants_aux(network: Network, name: str) -> bool:
    """True if the network has auxiliary heads as a reference has, which then get weights too."""
    return len(network.outputs) > 1 and has_auxiliary_heads(name)


def _fitting(
    model: nn.Module, module: nn.Module, name: str, network: Network, new_head: bool
) -> Match:
    """Pairs of a reference's weights and the module's; raises ArchError where they do not fit.

    With ``new_head`` only those are paired that both have behind the same layers.
    """
    # Some models of torchvision compute their auxiliary heads in training mode only.
    training = _wants_aux(network, name)
    graphs = [canonical(each, training=training, for_weights=True) for each in (model, module)]
    found = match_bodies(*graphs) if new_head else match(*graphs, partial=not training)
    if not found.matched:
        raise fail(
            f"{network.name} is not the network of {name}, so its weights do not fit",
            None,
            *found.differences[:5],
        )
    if new_head and 2 * len(found.tensors) < len(module.state_dict()):
        raise fail(
            f"{network.name} has too little in common with {name} for a new head",
            None,
            f"{len(found.tensors)} of its {len(module.state_dict())} tensors are the same",
        )
    return found
