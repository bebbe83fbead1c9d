"""Segmentation networks are torchvision's: same graph, same numbers, at any size of the image."""

import shutil
from pathlib import Path

import pytest
import torch
import torchvision
from support import families
from torchvision.models import WeightsEnum

import archdsl
from archdsl.frontend.bundled import spec_names, specs_folder
from archdsl.frontend.files import open_source
from archdsl.frontend.header import facts
from archdsl.importers.verification import Match, MatchError, canonical, match, reference, verify

MODELS = torchvision.models.list_models(module=torchvision.models.segmentation)
WITH_AUX = [name for name in MODELS if not name.startswith("lraspp")]
DEEP = {"fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101"}
SPECS = families.family(MODELS, [name for name in MODELS if name not in DEEP])
ODD = (3, 65, 97)
"""Height and width that no stride divides, so that every rounding counts."""


def whole(name: str) -> archdsl.Network:
    """A spec with its auxiliary head, if it has one."""
    return archdsl.load(name, **({"aux": True} if name in WITH_AUX else {}))


def graphs_match(name: str, network: archdsl.Network) -> Match:
    """Whether a network is torchvision's, by their graphs alone: nothing is filled or computed."""
    with torch.device("meta"):
        return match(canonical(reference(f"torchvision:{name}")), canonical(network.to_torch()))


def test_every_segmentation_model_of_torchvision_has_its_spec() -> None:
    assert set(MODELS) <= set(spec_names())
    assert {name: facts(open_source(name)).reference for name in MODELS} == {
        name: f"torchvision:{name}" for name in MODELS
    }


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize("name", SPECS)
def test_equals_torchvision_exactly(name: str, training: bool) -> None:
    """With the auxiliary head; in training two images, as the pooled branch is normalised too."""
    model = reference(f"torchvision:{name}", aux=name in WITH_AUX)
    found = verify(whole(name).to_torch(), model, ODD, training=training)
    assert found.matched, found.differences
    assert found.params_equal
    assert found.max_abs_diff == 0


@pytest.mark.parametrize("name", MODELS)
def test_same_graph_without_the_auxiliary_head(name: str) -> None:
    found = graphs_match(name, archdsl.load(name))
    assert found.matched, found.differences


@pytest.mark.parametrize("name", MODELS)
def test_totals_are_those_torchvision_publishes(name: str) -> None:
    """With the auxiliary head, which the published weights have; for images of 520 pixels."""
    meta = torchvision.models.get_model_weights(name).DEFAULT.meta
    summary = whole(name).summary()
    assert summary.parameters == meta["num_params"]
    assert summary.macs / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)
    assert len(meta["categories"]) == 21
    assert set(summary.outputs.values()) == {(21, 520, 520)}


def test_lraspp_has_no_auxiliary_head() -> None:
    with pytest.raises(MatchError, match="no auxiliary heads"):
        reference("torchvision:lraspp_mobilenet_v3_large", aux=True)


@pytest.mark.parametrize("file", [False, True], ids=["by name", "file"])
def test_published_weights_without_their_auxiliary_head(
    file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hold the head; a network without it takes the others. Here they are random ones."""
    name = "deeplabv3_mobilenet_v3_large"
    model = reference(f"torchvision:{name}", aux=True)
    state, weights = model.state_dict(), f"torchvision:{name}"
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda *_, **__: state)
    if file:
        weights = str(tmp_path / "published.pth")
        torch.save(state, weights)
    module = archdsl.compile(name, weights=weights).eval()
    x = torch.rand(1, *ODD)
    with torch.no_grad():
        assert torch.equal(module(x), model(x)["out"])


@pytest.mark.parametrize(
    ("name", "block", "old", "new", "words"),
    [
        ("fcn_resnet50", "", "<6, 256, 1, 2,", "<6, 256, 2, 2,", "dilation"),
        ("fcn_resnet50", "", "<3, 512, 2, 4,", "<3, 512, 2, 2,", "dilation"),
        ("fcn_resnet50", "", "dilated_stage<6, 256, 1, 2", "bottleneck_stage<6, 256, 2", "stride"),
        ("fcn_resnet50", "", "= resize_like<tag1,", "= resize_like<tag1,align_corners=true,",
         "align"),
        ("fcn_resnet50", "", "= resize_like<tag1,", "= resize_like<tag1,nearest=true,",
         "mode"),
        ("fcn_resnet50", "segmentation", "dropout<0.1", "dropout<0.5", "p is"),
        ("deeplabv3_resnet50", "segmentation", "<N,3,36>", "<N,3,18>", "dilation"),
        ("deeplabv3_resnet50", "segmentation", "    image_pooling<N>,\n", "", "avg_pool"),
        ("deeplabv3_resnet50", "segmentation", "<tag2,at", "<tag2,align_corners=true,at", "align"),
        ("lraspp_mobilenet_v3_large", "segmentation", "norm<con", "norm<eps=1e-3,con", "eps"),
        ("lraspp_mobilenet_v3_large", "", "tag2<eighth<", "eighth<tag2<", "interpolate"),
        ("lraspp_mobilenet_v3_large", "mobilenet_v3_dilated", "<160, 1, 2,", "<160, 1, 1,",
         "dilation"),
    ],
)  # fmt: skip
def test_near_misses_are_refused(
    tmp_path: Path, name: str, block: str, old: str, new: str, words: str
) -> None:
    """Changed in the spec itself, or in one of its blocks."""
    shutil.copytree(specs_folder() / "blocks", tmp_path / "blocks")
    shutil.copy(specs_folder() / f"{name}.arch", tmp_path)
    changed = tmp_path / (f"blocks/{block}.arch" if block else f"{name}.arch")
    text = changed.read_text("utf-8")
    assert old in text
    assert graphs_match(name, archdsl.load(tmp_path / f"{name}.arch")).matched
    changed.write_text(text.replace(old, new), "utf-8")
    found = graphs_match(name, archdsl.load(tmp_path / f"{name}.arch"))
    assert not found.matched
    assert any(words in difference for difference in found.differences), found.differences


# ---- the papers' figures ----


def test_an_eighth_of_the_image_at_all_dilated_stages() -> None:
    """Chen et al. 2017, section 3.1: output stride 8 leaves out the last two of five reductions."""
    summary = archdsl.load("deeplabv3_resnet50").summary()
    rows = [row for row in summary.rows if row.kind == "add"]
    assert [row.shape for row in rows] == (
        [(256, 130, 130)] * 3 + [(512, 65, 65)] * 4 + [(1024, 65, 65)] * 6 + [(2048, 65, 65)] * 3
    )


def test_what_the_branches_of_aspp_see() -> None:
    """A 3x3 filter of rate r sees 2 r cells more, of 8 pixels each, than the 1x1 filter."""
    rows = {row.path: row for row in archdsl.load("deeplabv3_resnet50").summary().rows}
    seen = [rows[f"deeplab_head.aspp.branch{n}.conv"].receptive_field[0] for n in (1, 2, 3, 4)]
    stem = 7 + 2 * 2
    strided = 3 * 2 * 4 + (2 * 4 + 3 * 2 * 8)  # 3x3 filters of two stages, on cells 4 and 8 apart
    dilated = 2 * 8 * (1 + 5 * 2 + 2 + 2 * 4)
    assert seen[0] == stem + strided + dilated == 427
    assert [more - seen[0] for more in seen[1:]] == [8 * 2 * rate for rate in (12, 24, 36)]


# ---- other sizes ----


@pytest.mark.parametrize("name", ["fcn_resnet50", "lraspp_mobilenet_v3_large", "unet"])
def test_a_module_runs_at_other_sizes_than_it_was_compiled_for(name: str) -> None:
    """Equal to one that was compiled for the size, odd where the network allows that."""
    channels = archdsl.load(name).summary().input[0]
    small, large = ((48, 80), (64, 112)) if name == "unet" else ((33, 65), (51, 90))
    module = archdsl.compile(name, input=(channels, *small), seed=1).eval()
    other = archdsl.compile(name, input=(channels, *large), seed=1).eval()
    x = torch.rand(2, channels, *large)
    with torch.no_grad():
        found = module(x)
        assert found.shape[2:] == large
        assert torch.equal(found, other(x))
        assert module(x[..., : small[0], : small[1]]).shape[2:] == small
