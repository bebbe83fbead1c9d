"""Each spec that names a classifier of torchvision is that model: same graph, same numbers."""

import pytest
import torchvision
from equality import MODES, assert_equal
from support import families

import archdsl
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source
from archdsl.frontend.header import facts
from archdsl.importers.verification import reference, verify

CLASSIFIERS = torchvision.models.list_models(module=torchvision.models)
REFERENCES = {
    name: found
    for name in spec_names()
    if (found := facts(open_source(name)).reference or "").startswith("torchvision:")
    and found.removeprefix("torchvision:") in CLASSIFIERS
}
QUICK = {"alexnet_torchvision", "googlenet", "resnet18", "resnet50"}
LONG = 12e9  # operations; networks that take more see a smaller image
FIXED = {"vit_b_16", "vit_b_32", "maxvit_t"}  # but for those that hold an embedding for every place
SPECS = families.family(REFERENCES, QUICK)


def test_the_classic_networks_have_their_reference() -> None:
    classic = {f"vgg{n}{bn}" for n in (11, 13, 16, 19) for bn in ("", "_bn")}
    classic |= {f"resnet{n}" for n in (18, 34, 50, 101, 152)} | {"googlenet"}
    assert (
        REFERENCES.items()
        >= (
            {name: f"torchvision:{name}" for name in classic}
            | {"alexnet_torchvision": "torchvision:alexnet"}
        ).items()
    )


@MODES
@pytest.mark.parametrize("name", SPECS)
def test_equals_torchvision_exactly(name: str, training: bool) -> None:
    network = archdsl.load(name)
    summary = network.summary()
    size = summary.input if summary.macs < LONG or name in FIXED else (3, 128, 128)
    assert_equal(network.to_torch(), reference(REFERENCES[name]), size, training)


@MODES
def test_auxiliary_heads_of_googlenet(training: bool) -> None:
    """torchvision computes its auxiliary heads in training mode only; ours are always there."""
    module = archdsl.load("googlenet", aux=True).to_torch()
    model = reference("torchvision:googlenet", aux=True)
    assert_equal(module, model, (3, 224, 224), training, partial=True)


@pytest.mark.parametrize("name", REFERENCES)
def test_totals_are_those_torchvision_publishes(name: str) -> None:
    """Its weights' metadata hold parameter counts, and billions of operations to three digits."""
    model = REFERENCES[name].partition(":")[2]
    meta = torchvision.models.get_model_weights(model).DEFAULT.meta
    summary = archdsl.load(name).summary()
    # Published with its auxiliary head, which does not count among the operations.
    whole = archdsl.load(name, aux=True).summary() if name == "inception_v3" else summary
    assert whole.parameters == meta["num_params"]
    assert summary.macs / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("vgg19", 143_667_240, 19_632_062_464),
        ("resnet50", 25_557_032, 4_089_184_256),
        ("resnet152", 60_192_808, 11_513_626_624),
        ("googlenet", 6_624_904, 1_498_376_192),
    ],
)
def test_exact_counts(name: str, parameters: int, macs: int) -> None:
    """Counted by forward hooks on torchvision's models: output elements × weights per filter."""
    document = archdsl.load(name).summary().to_json()
    assert (document["params"], document["macs"]) == (parameters, macs)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("alexnet_torchvision", "con<192,5,5,1,1,", "con<192,5,5,1,1,padding=1,", "padding"),
        ("alexnet_torchvision", "con<64,11,11,4,4,", "con<64,11,11,3,3,", "stride"),
        ("alexnet_torchvision", "dropout<relu<fc<4096,", "dropout<htan<fc<4096,", "relu"),
        ("googlenet", "eps=1e-3", "eps=1e-5", "eps"),
        ("googlenet", "shrink<2,", "shrink<3,", "kernel"),
        ("googlenet", "ceil_mode=true>", "ceil_mode=false>", "ceil_mode"),
        ("googlenet", "dropout<0.2", "dropout<0.3", "p is"),
    ],
)  # fmt: skip
def test_near_misses_are_refused(name: str, old: str, new: str, words: str) -> None:
    text = open_source(name).text
    assert old in text
    module = archdsl.load(text.replace(old, new)).to_torch()
    found = verify(module, reference(REFERENCES[name]), (3, 224, 224))
    assert not found.matched
    assert any(words in difference for difference in found.differences), found.differences
