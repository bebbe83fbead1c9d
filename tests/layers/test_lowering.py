"""Lowering is data: calls by dotted names, with arguments that can be hashed, without torch."""

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import archdsl
from archdsl.frontend.bundled import spec_names
from archdsl.ir.cells import cells
from archdsl.ir.edges import FeatureMaps, applications
from archdsl.ir.lowering import PACKAGES, Construct, ImageValues, made

EVERY_SPEC = sorted(spec_names())
MIXED = (
    "loss_mmod<detector_window<9,6,cat>,avg_pool<3,2,2,3,input<1,14,20>>>",
    "loss_metric<flatten<softmax_all<bn_fc<max_pool<2,2,2,2,1,1,input<3,8,8>>>>>>",
    "loss_multimulticlass_log<3,4,fc<7,extract<0,4,3,3,slice<0,0,0,2,6,6,input<4,8,8>>>>>",
)


class Recorder:
    """An emitter that notes the calls; its values are numbers."""

    def __init__(self, network: Any) -> None:
        self.network, self.path = network, ""
        self.modules: list[tuple[Construct, tuple[Any, ...], dict[str, Any]]] = []
        self.functions: list[tuple[str, tuple[Any, ...]]] = []
        self.named: list[Construct] = []
        self._count = 0

    def _value(self) -> int:
        self._count += 1
        return self._count

    def entry(self, name: str, *default: Any) -> int:
        return self._value()

    def may_overwrite_input(self) -> bool:
        return True

    def lowered(self, layer: Any, operands: Any, inputs: Any) -> Any:
        seen = [layer.seen(shapes) for shapes in applications(inputs, layer.kind)]
        if isinstance(inputs[0], FeatureMaps):
            rows = zip(*(operand.values() for operand in operands), strict=True)
            done = [layer.lower(self, *each) for each in zip(rows, seen, strict=True)]
            return dict(zip(inputs[0].names, done, strict=True))
        values = tuple(each.tensor if isinstance(each, ImageValues) else each for each in operands)
        return layer.lower(self, values, seen[0])

    def module(self, module: Construct, *operands: Any, initial: Any = None, **options: Any) -> int:
        self.modules.append((module, operands, options))
        return self._value()

    def call(self, function: str, *arguments: Any) -> int:
        self.functions.append((function, arguments))
        return self._value()

    once = call

    def method(self, name: str, *arguments: Any) -> int:
        return self._value()

    def criterion(self, module: Construct) -> None:
        self.named.append(module)

    decision = criterion

    def cells(self, index: int = 0) -> Any:
        return cells(self.network, self.network.instance(self.path).inputs[index])


def recorded(network: archdsl.Network) -> Recorder:
    """The calls of all layers of a network."""
    checked = network.checked
    record = Recorder(checked)
    values: dict[str, Any] = {}
    for instance in checked.instances():
        record.path = instance.path
        inputs = tuple(map(checked.shape, instance.inputs))
        operands = tuple(values[path] for path in instance.inputs)
        values[instance.path] = instance.layer.edge_lower(record, operands, inputs)  # type: ignore[arg-type]
    return record


def constructs(record: Recorder) -> Iterator[Construct]:
    """All constructor calls, those among arguments too."""
    waiting = [*record.named, *(module for module, _, _ in record.modules)]
    while waiting:
        construct = waiting.pop()
        yield construct
        waiting += construct.inner()


def plain(value: Any) -> bool:
    """Whether a value is a number, a string, None, a construct, or a tuple of these."""
    if isinstance(value, tuple):
        return type(value) is tuple and all(map(plain, value))
    return value is None or isinstance(value, (int, float, str, Construct))


def found(target: str) -> Any:
    """What a dotted name means."""
    home = target if target.split(".")[0] in PACKAGES else f"archdsl.backends.torch.{target}"
    module, _, name = home.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    "text", ["googlenet", "unet", "faster_rcnn_resnet50_fpn", "yolo_v3", *MIXED]
)
def test_modules_are_calls_that_their_classes_take(text: str) -> None:
    record = recorded(archdsl.load(text))
    calls = list(constructs(record))
    assert calls
    for call in set(calls):  # they can be hashed
        options = dict(call.options)
        assert all(map(plain, (*call.arguments, *options.values()))), call
        inspect.signature(found(call.target)).bind(*call.arguments, **options)
    assert all(callable(found(name)) for name, _ in record.functions)


@pytest.mark.slow
@pytest.mark.parametrize("spec", EVERY_SPEC)
def test_modules_of_every_spec_are_calls_that_their_classes_take(spec: str) -> None:
    test_modules_are_calls_that_their_classes_take(spec)


def test_equal_layers_are_equal_calls() -> None:
    """VGG-16's convolutions by their filters: 13 of them, of 8 kinds (Simonyan 2015, table 1)."""
    calls = [module for module, _, _ in recorded(archdsl.load("vgg16")).modules]
    convolutions = [call for call in calls if call.target == "torch.nn.Conv2d"]
    assert len(convolutions) == 13
    assert len(set(convolutions)) == 8
    assert made("torch.nn.ReLU", inplace=True) in calls


def test_lowering_needs_no_torch() -> None:
    """Not even behind a back door: importing it fails."""
    code = (
        "import sys; sys.modules['torch'] = sys.modules['torchvision'] = None\n"
        "import archdsl, test_lowering\n"
        "for text in ('lenet', 'unet', 'yolo_v3', *test_lowering.MIXED):\n"
        "    assert test_lowering.recorded(archdsl.load(text)).modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
