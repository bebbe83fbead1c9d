"""Networks to compare with: those of torchvision and, where it is installed, of timm."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast
from urllib.error import URLError

from torch import nn

from archdsl.analysis.equivalence.errors import MatchError


def reference(
    name: str, *, weights: str | None = None, aux: bool = False, classes: int | None = None
) -> nn.Module:
    """A network by name, ``torchvision:resnet50`` or ``timm:resnet50``, in evaluation mode.

    Args:
        name: library and model, as the library spells it.
        weights: None for random ones, ``"DEFAULT"`` for the best the library has, or the name of
            others (torchvision: ``"IMAGENET1K_V1"``; timm: a tag such as ``"a1_in1k"``).
        aux: whether to have auxiliary heads, for the models that can.
        classes: the number of classes, by default the library's own, as pretrained weights need it.

    Raises:
        MatchError: the library is unknown or not installed, it has no such model or weights, or the
            weights cannot be downloaded.
    """
    library, separator, model = name.partition(":")
    if not separator or library not in _LIBRARIES:
        known = " or ".join(f"{spelled}:NAME" for spelled in _LIBRARIES)
        message = f"{name!r} names no reference: write {known}"
        raise MatchError(message)
    source = _LIBRARIES[library]
    module = _imported(source)
    if not source.has(module, model):
        near = difflib.get_close_matches(model, source.names(module), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        message = f"{library} has no model {model!r}{hint}"
        raise MatchError(message)
    try:
        return source.build(module, model, weights, aux, _sized(classes)).eval()
    except OSError as error:  # URLError is one of them
        reason = error.reason if isinstance(error, URLError) else error
        message = (
            f"the weights {weights!r} of {name} could not be downloaded or read: {reason}. "
            f"This needs network access once; a file with the weights can be given instead "
            f"with --weights FILE"
        )
        raise MatchError(message) from error


def _sized(classes: int | None) -> dict[str, int]:
    """The argument that both libraries take for a number of classes."""
    return {} if classes is None else {"num_classes": classes}


def has_auxiliary_heads(name: str) -> bool:
    """True if a reference can be built with auxiliary heads: ``reference(name, aux=True)``."""
    library, _, model = name.partition(":")
    return library in _LIBRARIES and model in _LIBRARIES[library].with_aux


_Build = Callable[[ModuleType, str, str | None, bool, dict[str, int]], nn.Module]
"""Builds a model by name: its weights, whether it has auxiliary heads, and further arguments."""


@dataclass(frozen=True)
class _Library:
    """A model library: the package, the names of its models, and the function that builds one."""

    package: str
    names: Callable[[ModuleType], Sequence[str]]
    has: Callable[[ModuleType, str], bool]
    build: _Build
    with_aux: frozenset[str]


def _imported(library: _Library) -> ModuleType:
    try:
        return importlib.import_module(library.package)
    except ModuleNotFoundError as error:
        name = library.package.partition(".")[0]
        message = f"{name} is not installed: pip install {name}"
        raise MatchError(message) from error


def _torchvision_names(models: ModuleType) -> Sequence[str]:
    return [name for family in _FAMILIES for name in family.names(models)]


def _torchvision_has(models: ModuleType, name: str) -> bool:
    return name in _torchvision_names(models)


def _from_torchvision(
    models: ModuleType, name: str, weights: str | None, aux: bool, more: dict[str, int]
) -> nn.Module:
    if weights not in (None, "DEFAULT"):
        known = [member.name for member in models.get_model_weights(name)]
        if weights not in known:
            message = f"torchvision has no weights {weights!r} for {name}; it has {known}"
            raise MatchError(message)
    family = next(family for family in _FAMILIES if name in family.names(models))
    if aux and name not in family.with_aux:
        message = f"torchvision's {name} has no auxiliary heads"
        raise MatchError(message)
    return family.build(models, name, weights, aux, more)


@dataclass(frozen=True)
class _Family:
    """Models of torchvision that are built alike.

    ``package`` is where they are, seen from ``torchvision.models``; ``with_aux`` are those that can
    have auxiliary heads.
    """

    package: str
    with_aux: frozenset[str]
    build: _Build

    def names(self, models: ModuleType) -> Sequence[str]:
        module = getattr(models, self.package) if self.package else models
        return cast("Sequence[str]", models.list_models(module=module))


def _classifier(
    models: ModuleType, name: str, weights: str | None, aux: bool, more: dict[str, int]
) -> nn.Module:
    options: dict[str, Any] = {"weights": weights, **more}
    if name in _CLASSIFIERS.with_aux:
        # Their own initialisation takes many seconds. With weights they would also convert the
        # input from one normalisation to another, which is not part of the architecture.
        options |= {"aux_logits": aux, "init_weights": False, "transform_input": False}
    return cast("nn.Module", models.get_model(name, **options))


def _segmenter(
    models: ModuleType, name: str, weights: str | None, aux: bool, more: dict[str, int]
) -> nn.Module:
    options: dict[str, Any] = {"weights": weights, "weights_backbone": None, **more}
    if name in _SEGMENTERS.with_aux:
        # Published weights hold the auxiliary head; torchvision refuses to load them without it.
        options["aux_loss"] = aux or weights is not None
    network = models.get_model(name, **options)
    if not aux and name in _SEGMENTERS.with_aux:
        network.aux_classifier = None
    return cast("nn.Module", network)


def _detector(
    models: ModuleType, name: str, weights: str | None, _: bool, more: dict[str, int]
) -> nn.Module:
    # With weights torchvision puts constants of the same names in place of batch normalisation; an
    # architecture has to be one or the other.
    network = models.get_model(name, weights=None, weights_backbone=None, **more)
    if weights is not None:
        state = models.get_model_weights(name)[weights].get_state_dict(check_hash=True)
        network.load_state_dict(state, strict=False)  # the constants have no batch counter
    return cast("nn.Module", network)


_CLASSIFIERS = _Family("", frozenset({"googlenet", "inception_v3"}), _classifier)
_SEGMENTERS = _Family(
    "segmentation",
    frozenset(
        {
            "fcn_resnet50",
            "fcn_resnet101",
            "deeplabv3_resnet50",
            "deeplabv3_resnet101",
            "deeplabv3_mobilenet_v3_large",
        }
    ),
    _segmenter,
)
_DETECTORS = _Family("detection", frozenset(), _detector)
_FAMILIES = (_CLASSIFIERS, _SEGMENTERS, _DETECTORS)


def _timm_names(timm: ModuleType) -> Sequence[str]:
    return cast("Sequence[str]", timm.list_models())


def _timm_has(timm: ModuleType, name: str) -> bool:
    """Former names count too, such as ``xception``; names with a tag of weights do not."""
    return "." not in name and bool(timm.is_model(name))


def _from_timm(
    timm: ModuleType, name: str, weights: str | None, aux: bool, more: dict[str, int]
) -> nn.Module:
    if aux:
        message = "the models of timm are built without auxiliary heads"
        raise MatchError(message)
    tag = "" if weights in (None, "DEFAULT") else f".{weights}"
    try:
        network = timm.create_model(name + tag, pretrained=weights is not None, **more)
    except RuntimeError as error:  # how timm reports weights it does not have
        message = f"timm cannot build {name}{tag}: {error}"
        raise MatchError(message) from error
    return cast("nn.Module", network)


_LIBRARIES = {
    "torchvision": _Library(
        "torchvision.models",
        _torchvision_names,
        _torchvision_has,
        _from_torchvision,
        frozenset().union(*(family.with_aux for family in _FAMILIES)),
    ),
    "timm": _Library("timm", _timm_names, _timm_has, _from_timm, frozenset()),
}
