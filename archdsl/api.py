"""The Python API: load a spec, look at it, compile it.

Everything the command line does goes through here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl import dlib
from archdsl.analysis import shapes
from archdsl.analysis.cost import Summary, summarise
from archdsl.diagnostics import ArchError, Diagnostic, fail, listing
from archdsl.diagnostics.source import Source
from archdsl.frontend.elaborate import opaque_warnings
from archdsl.frontend.expansion import FrontendResult, expanded
from archdsl.frontend.files import noting_files, read_source, source_of
from archdsl.frontend.header import DEFAULTS, Facts, Setting, facts
from archdsl.frontend.run_folder import RunFolder, read_run_folder
from archdsl.ir import network as model
from archdsl.ir.edges import Shape, shown
from archdsl.ir.origin import Limits, Origin
from archdsl.layers import synonyms
from archdsl.viz.notebook import PLAIN, SVG, Figure, Types, mimebundle

if TYPE_CHECKING:
    import graphviz
    from torch import nn

    from archdsl.ir.graph import Graph

# Suggestions for unknown names know those of the formats that are read.
synonyms.further_tables("archdsl.importers.names")


class Choice(NamedTuple):
    """Name of the network taken from a source, and those of the others that it defines."""

    name: str
    others: tuple[str, ...]

    def __str__(self) -> str:
        others = listing(self.others)
        return f"{self.name} was taken; --net chooses another: {others}"


class Network:
    """A spec's network, expanded; shapes are checked when first needed.

    ``graph`` is a frozen networkx MultiDiGraph: nodes are layers by path (``stage1.conv1``) with
    attributes ``instance`` and, checked, ``shape``; edges carry ``shape`` and are keyed by the
    position of the input that they feed.
    """

    def __init__(
        self,
        network: model.Network,
        source: Source,
        input_shape: Shape | None = None,
        choice: Choice | None = None,
        origin: FrontendResult | None = None,
        included: frozenset[Path] = frozenset(),
    ) -> None:
        self._network = network
        self._input_shape = input_shape
        self.source = source
        self.choice = choice
        self._origin = origin
        self.included = included
        """The files that the spec's text includes, itself perhaps among them."""
        self.run: RunFolder | None = None
        """The training run whose folder the network was read from."""
        self._settled: Path | None = None
        self.settled_by: Path | None = None
        """The file of dlib's that decided what the spec's types leave open, if any did."""

    @property
    def trained_weights(self) -> Path | None:
        """The weights of the training run that the network was read from."""
        return None if self.run is None else self.run.weights

    @property
    def name(self) -> str:
        """The spec's name: that of its file."""
        return self._network.name

    @cached_property
    def checked(self) -> model.Network:
        """The network with its shapes; raises ArchError where they do not fit."""
        return shapes.check(self._network, self._input_shape)

    @cached_property
    def setting(self) -> Setting:
        """The parameters' values, and what of them and of the input is not the text's own."""
        if self._origin is None:
            return DEFAULTS
        elaborated = self._origin.elaborated
        asked: dict[str, Any] = {"net": elaborated.name} if elaborated.chosen else {}
        declared = self._network.entry.edge_shape(())
        taken = self.checked.input_type
        if taken != declared:
            asked["input"] = shown(taken).replace("×", "x")
        changed = elaborated.changed | asked.keys()
        return Setting({**elaborated.parameters, **asked}, changed)

    @property
    def facts(self) -> Facts:
        """Facts of the spec's opening comment, as far as they hold for this setting."""
        return facts(self.source, self.setting)

    @property
    def graph(self) -> Graph:
        """The checked graph."""
        return self.checked.graph

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Warnings of the layers' own rules, without those that the text allows."""
        opaque = self._origin.elaborated.opaque if self._origin is not None else ()
        told = (*opaque_warnings(opaque), *self.checked.warnings)
        if not told:
            return ()
        from archdsl.analysis.lint import Allowances

        allowances = Allowances(self.source)
        return tuple(warning for warning in told if not allowances.cover(warning))

    @cached_property
    def advice(self) -> tuple[Diagnostic, ...]:
        """Everything that is legal but may not be meant, less what the text allows."""
        if self._origin is None:
            return self.warnings
        from archdsl.analysis.lint import LintContext, advise

        return advise(LintContext(self._origin.document, self._origin.elaborated, self.checked))

    def sized(self, shape: Shape | None) -> Network:
        """The same network for an input of another size; not checked yet."""
        made = Network(self._network, self.source, shape, self.choice, self._origin, self.included)
        made.run, made.settled_by = self.run, self.settled_by
        return made

    def settled(self, weights: str | Path | None) -> Network:
        """The network with what dlib's types leave open as a file of trained weights has it.

        dlib's files say whether ``affine`` has a factor for each channel or for each value, and
        hold a detector's windows, labels, anchors and overlaps. For other weights, and where
        nothing is open, it is the network itself. Raises ArchError for a file that does not hold
        the network.
        """
        path = Path(str(weights))
        if weights is None or path.suffix.lower() not in dlib.SUFFIXES or path == self._settled:
            return self
        from archdsl.dlib.settling import settled

        found = settled(self._network, path)
        if found is self._network:
            self._settled = path
            return self
        made = Network(
            found, self.source, self._input_shape, self.choice, self._origin, self.included
        )
        made.run, made._settled, made.settled_by = self.run, path, path
        return made

    def check(self) -> Network:
        """Check all shapes; raises ArchError with every error, returns the network itself."""
        _ = self.checked
        return self

    @cached_property
    def _summary(self) -> Summary:
        return summarise(self.checked)

    def summary(self) -> Summary:
        """Every layer's output shape, parameters, MACs and receptive field, and the totals."""
        return self._summary

    def to_torch(
        self,
        *,
        device: str | None = None,
        seed: int | None = None,
        weights: str | Path | None = None,
        new_head: bool = False,
        max_memory: int | None = None,
    ) -> nn.Module:
        """An initialised ``torch.nn.Module`` in training mode.

        Its input is N×C×H×W; it returns the output tensor, or a dict of tensors by name where the
        network has several outputs. ``device`` is torch's default device unless given; on ``meta``
        weights have no values. ``seed`` makes the initial weights reproducible; ``weights``,
        as :func:`compile` takes them, are loaded and not drawn before; with ``new_head`` those
        are drawn that do not fit. ``module.meta["new"]`` names the parameters that were not loaded.
        Raises ArchError where the weights take more bytes than ``max_memory``, by default those
        that are free, and for ``new_head`` without ``weights``. A notebook shows the module as the
        network's diagram.
        """
        from archdsl.backends.torch import compile_network

        if new_head and weights is None:
            raise fail(
                "a new head needs trained weights, and none are given",
                help="--weights names what the layers before the head have learned",
            )
        network, fill = self.settled(weights), None
        if weights is not None:
            fill = partial(network.load_weights, weights=weights, new_head=new_head)
        module = compile_network(
            network.checked, device=device, seed=seed, fill=fill, max_memory=max_memory
        )
        Figure(network.checked).attach(module)
        return module

    def load_weights(
        self, module: nn.Module, weights: str | Path, *, new_head: bool = False
    ) -> Set[str]:
        """Fill a module of this network with weights: see :func:`compile` for what they may be.

        Returns the names of the tensors that were filled; ``module.meta["new"]`` has the others.
        """
        from archdsl.backends.torch.blocks import notes
        from archdsl.importers.weights import load_weights

        known = facts(self.source)
        filled = load_weights(module, str(weights), self.checked, known, new_head=new_head)
        learned = dict(module.named_parameters())
        notes(module)["new"] = tuple(name for name in learned if name not in filled)
        return filled

    def to_python(self) -> str:
        """PyTorch source of the network, a class for each template; it needs torch alone.

        Its class takes and gives what :meth:`to_torch`'s module does, and has its state_dict:
        weights move between the two. Raises ArchError where a layer has no source text.
        """
        from archdsl.backends.source import source

        return source(self.checked)

    def draw(self, path: str | Path | None = None, **options: Any) -> str | None:
        """The diagram: as SVG text, or into a file by its suffix.

        Suffixes are .svg, .png, .pdf, .html, .dot, .tex, .pptx and .mmd; ``options`` are those of
        ``archdsl draw``, the fields of :class:`archdsl.viz.draw.DrawOptions`: ``depth=2``,
        ``expand=("inception*",)``, ``style="slide"``. Raises ArchError for options that the network
        or its drawing does not have, and where the file cannot be written.
        """
        from archdsl.text.output import write
        from archdsl.viz.draw import draw

        if path is None:
            return draw(self.checked, ".svg", **options).decode()
        target = Path(path)
        write(target, draw(self.checked, target.suffix.lower(), **options))
        return None

    def to_graphviz(self, **options: Any) -> graphviz.Digraph:
        """The diagram as a ``Digraph`` of the package graphviz, to be edited, styled and rendered.

        ``options`` are those of :meth:`draw`. Raises ArchError where the package is missing.
        """
        from archdsl.viz.draw.graphviz_engine import digraph
        from archdsl.viz.draw.options import DrawOptions

        return digraph(self.checked, DrawOptions(**options))

    def _repr_mimebundle_(self, include: Types = None, exclude: Types = None) -> dict[str, str]:
        return mimebundle({SVG: self._svg, PLAIN: self.__repr__}, include, exclude)

    def _svg(self) -> str:
        svg = self.draw()
        assert svg is not None
        return svg

    def __repr__(self) -> str:
        shape = shown(self.checked.input_type)
        return f"<archdsl network {self.name}: input {shape}, {self.checked.layers} layers>"

    def __str__(self) -> str:
        return str(self.summary())


def load(
    path_or_text: str | Path,
    *,
    net: str | None = None,
    input: Shape | str | None = None,
    limits: Limits | None = None,
    opaque: Mapping[str, str] | None = None,
    **params: Any,
) -> Network:
    """Read a spec: a path, the name of a bundled spec (``vgg19``), or a text with ``<`` in it.

    The folder of a training run stands for the network that it trained.

    ``net`` chooses one of several networks, ``input`` is (channels, height, width) or
    ``"CxHxW"``, ``params`` are the values of the spec's ``param`` declarations. ``opaque`` says of
    a C++ program's own layer classes which layer each counts as: ``{"my_": "relu"}``. Raises
    ArchError for whatever is wrong with the text; shapes are checked by :meth:`Network.check`.
    """
    run = None if _is_text(path_or_text) else read_run_folder(Path(path_or_text))
    if run is not None:
        return load_run(run, net=net, input=input, limits=limits, opaque=opaque, settings=params)
    return load_source(
        source_of(path_or_text),
        net=net,
        input=input,
        limits=limits,
        opaque=opaque,
        settings=params,
    )


def _is_text(path_or_text: str | Path) -> bool:
    return isinstance(path_or_text, str) and ("<" in path_or_text or "\n" in path_or_text)


def load_run(
    run: RunFolder,
    *,
    net: str | None = None,
    input: Shape | str | None = None,
    limits: Limits | None = None,
    opaque: Mapping[str, str] | None = None,
    settings: dict[str, Any] | None = None,
) -> Network:
    """:func:`load` for the folder of a training run; what is given goes before the run's own."""
    network = load_source(
        read_source(run.file),
        net=net or run.net,
        input=input or run.input,
        limits=limits,
        opaque=opaque,
        settings={**run.settings, **(settings or {})},
    )
    network.run = run
    return network.settled(run.settled_by)


def load_source(
    source: Source,
    *,
    net: str | None = None,
    input: Shape | str | None = None,
    limits: Limits | None = None,
    opaque: Mapping[str, str] | None = None,
    settings: dict[str, Any] | None = None,
) -> Network:
    """:func:`load` for a source that has been read already."""
    shape = parse_size(input) if isinstance(input, str) else input
    origin = Origin(source, net, settings or {}, limits or Limits(), opaque or {})
    with noting_files() as read:
        found = expanded(origin)
    elaborated = found.elaborated
    choice = None
    if source.is_cpp and elaborated.name is not None and elaborated.others:
        choice = Choice(elaborated.name, elaborated.others)
    return Network(found.network, source, shape, choice, found, frozenset(read))


def parse_size(text: str) -> Shape:
    """``3x224x224`` as a shape; raises ArchError for anything else."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 3 or not all(re.fullmatch("0*[1-9][0-9]{0,17}", part) for part in parts):
        raise fail(f"--input {text}: expected CxHxW, such as 3x224x224", code="E405")
    return tuple(int(part) for part in parts)


def compile(
    path_or_text: str | Path,
    *,
    net: str | None = None,
    input: Shape | str | None = None,
    weights: str | Path | None = None,
    new_head: bool = False,
    device: str | None = None,
    seed: int | None = None,
    optimize: bool = False,
    **params: Any,
) -> nn.Module:
    """A ``torch.nn.Module`` from a spec; see :func:`load` and :meth:`Network.to_torch`.

    ``weights`` is a safetensors, state_dict, Darknet (``.weights``), dlib (``.dat``, ``.dnn``,
    ``.xml``) or ONNX file, the folder of a training run, or ``torchvision:NAME`` for pretrained
    weights, by default those of the run in whose folder the spec is; with weights the module is in
    eval mode. ``new_head`` takes of them what fits, such as a body under a head for other classes,
    and leaves the rest as it starts.
    With ``optimize`` it is made faster for inference, in the way that measures best on this
    machine; see :func:`archdsl.backends.passes.optimise.optimise`.
    """
    network = load(path_or_text, net=net, input=input, **params)
    weights = weights or network.trained_weights
    network = network.settled(weights)
    module = network.to_torch(device=device, seed=seed, weights=weights, new_head=new_head)
    if weights is not None:
        module.eval()
    if optimize:
        from archdsl.backends.passes.optimise import optimise

        module = optimise(network.checked, module).module.eval()
    return module


def split_points(network: Network, stages: int) -> tuple[str, ...]:
    """The blocks with which the second and each further of so many pipeline stages begins.

    Stages have multiply-accumulates as equal as blocks allow. The names are for
    ``torch.distributed.pipelining.pipeline``: ``{name: SplitPoint.BEGINNING for name in ...}``.
    Raises ArchError where the network has too few blocks that take one value.
    """
    from archdsl.backends.plan.splits import split_points as found

    return found(network.checked, stages)


__all__ = [
    "ArchError",
    "Network",
    "compile",
    "load",
    "load_source",
    "parse_size",
    "split_points",
]
