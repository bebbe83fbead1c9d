"""The language of detectors: places with names, several feature maps, regions."""

from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.ir.edges import Detections, FeatureMaps

README = Path(__file__).resolve().parents[2] / "grammars" / "README.md"


def test_the_detector_of_the_language_reference_runs() -> None:
    text = README.read_text(encoding="utf-8").split("## Detectors")[1]
    code = "\n".join(line for line in text.splitlines() if line.startswith("    "))
    module = archdsl.compile(code.split("using net_type =")[1].split(";")[0]).eval()
    with torch.no_grad():
        (found,) = module([torch.rand(3, 60, 90)])
    assert set(found) == {"boxes", "labels", "scores"}


MAPS = (
    "feature_maps<fine,coarse,tap<coarse,max_pool<2,2,2,2,tap<fine,con<4,3,3,1,1,input<3,8,12>>>>>>"
)


def test_a_layer_is_applied_to_every_map_with_the_same_weights() -> None:
    text = f"relu<con<5,3,3,1,1,{MAPS}>>"
    summary = archdsl.load(text).summary()
    (maps,) = summary.outputs.values()
    assert maps == FeatureMaps((("fine", (5, 8, 12)), ("coarse", (5, 4, 6))))
    # The weights count once, what they are multiplied with counts for every map.
    assert summary.parameters == 4 * (9 * 3 + 1) + 5 * (9 * 4 + 1)
    assert summary.macs == 8 * 12 * 4 * 9 * 3 + (8 * 12 + 4 * 6) * 5 * 9 * 4
    module, x = archdsl.compile(text, seed=1), torch.randn(2, 3, 8, 12)
    first, second = (m for m in module.modules() if isinstance(m, nn.Conv2d))
    fine = nn.functional.conv2d(x, first.weight, first.bias, padding=1)
    found = module(x)
    for name, level in (("fine", fine), ("coarse", nn.functional.max_pool2d(fine, 2))):
        torch.testing.assert_close(found[name], second(level).relu())


def test_each_has_weights_of_its_own() -> None:
    summary = archdsl.load(f"each<con<2,1,1>,con<3,1,1>,{MAPS}>").summary()
    (maps,) = summary.outputs.values()
    assert maps.shapes == ((2, 8, 12), (3, 4, 6))
    assert summary.parameters == 4 * (9 * 3 + 1) + (2 + 3) * (4 + 1)


def test_a_feature_pyramid_is_that_of_its_figure() -> None:
    """Lin et al. 2017, figure 3: the coarse level, enlarged, is added to the fine one."""
    taps = MAPS.removeprefix("feature_maps<fine,coarse,").removesuffix(">")
    text = f"fpn<con<4,1,1,bias=false>,identity,fine,coarse,{taps}>"
    module, x = archdsl.compile(text, seed=1), torch.randn(1, 3, 8, 12)
    found = module(x)
    stem, *laterals = (m for m in module.modules() if isinstance(m, nn.Conv2d))
    fine = stem(x)
    coarse = laterals[0](nn.functional.max_pool2d(fine, 2))
    torch.testing.assert_close(found["coarse"], coarse)
    enlarged = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(found["fine"], laterals[1](fine) + enlarged)


def test_regions_count_as_many_times_as_there_are() -> None:
    text = """detect<3,fc<8,roi_align<f,7,samples<16,region_proposals<50,
              tap<f,con<4,3,3,2,2,padding=1,input_images_sized<64>>>>>>>>"""
    summary = archdsl.load(text).summary()
    conv = 4 * (9 * 3 + 1), 32 * 32 * 4 * 9 * 3
    heads = 8 * (4 * 49 + 1) + 5 * 3 * (8 + 1), 50 * (8 * 4 * 49 + 5 * 3 * 8)
    assert (summary.parameters, summary.macs) == (conv[0] + heads[0], conv[1] + heads[1])
    assert isinstance(summary.outputs["output"], Detections)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("feature_maps<a,b,tap<a,input<3,8,8>>>", "no place 'b'"),
        ("feature_maps<fin,tap<fine,input<3,8,8>>>", "did you mean 'fine'"),
        ("feature_maps<a,tap<a,fc<3,input<3,8,8>>>>", "the map a is no feature map"),
        (f"coarser<c,fc<3>,{MAPS}>", "the map c is no feature map"),
        ("fpn<con<4,1,1>,identity,a,b,tap<b,tap<a,input<3,8,8>>>>", None),
        ("anchors<8,16,relu<input_images<32,32>>>", "a size for each of 1 maps"),
        ("yolo_v1<2,relu<input_images_sized<32>>>", "needs a grid"),
        (f"yolo_v3<1,2,3,{MAPS}>", "a width and a height"),
        (f"yolo_v4<yolo_head<1.1,2,3,4>,{MAPS}>", "a width and a height"),
        (f"yolo_v4<relu,{MAPS}>", "takes yolo_head<reach"),
        (f"yolo_v4<yolo_head<1,2,3>,yolo_head<1,2,3,4,5>,{MAPS}>", "as many anchors in each"),
        ("yolo_head<1,2,3,input_images_sized<32>>", "is no layer"),
        (f"residual<con<4,3,3>,at<fine,{MAPS}>>", None),
        (f"residual<at<fine>,{MAPS}>", "do.* not belong together"),
    ],
)
def test_what_does_not_fit_is_said(text: str, words: str | None) -> None:
    if words is None:
        archdsl.load(text).check()
    else:
        with pytest.raises(ArchError, match=words):
            archdsl.load(text).check()
