"""Detectors that do not fit together are refused at the right place, with what would fit."""

import pytest

import archdsl

GIVEN = "region_proposals<20,tap<maps,con<8,3,3,2,2,padding=1,input_images_sized<64>>>>"
FOUND = f"detect<3,fc<8,roi_align<maps,7,{GIVEN}>>>"
TAPPED = "tap<c,con<8,1,1,2,2,tap<b,con<16,1,1,2,2,tap<a,con<8,1,1,2,2,input_images<64,64>>>>>>>"
POOLED = """detect<3,fc<8,
roi_pool<maps,7,scale=1.0/32,region_proposals<20,
tap<maps,con<8,16,16,16,16,input_images_sized<1056,640>>>>>>>"""


BAD = {
    "proposals fed to a convolution": (
        f"relu<\ncon<8,3,3,1,1,{GIVEN}>>",
        ("con", (2, 1)),
        "con needs a tensor",
        "found proposals",
        "roi_align and roi_pool make features of regions out of proposals",
    ),
    "a scale that is not that of the strides": (  # 66 = 1056 / 16, 40 = 640 / 16
        POOLED,
        ("roi_pool", (2, 1)),
        "the scale of roi_pool does not fit the stride",
        "expected 1/16: the image is 3×1056×640, the map 8×66×40; found 1/32",
        "the product of the strides",
    ),
    "maxima over a pyramid": (
        f"roi_pool<p,7,region_proposals<9,tap<p,feature_maps<a,c,{TAPPED}>>>>",
        ("roi_pool", (1, 1)),
        "roi_pool needs a feature map",
        "found feature maps (8 × (32×32, 8×8))",
        "select<0, ...>",
    ),
    "a pyramid for one map of a pyramid": (
        f"feature_maps<p,c,tap<p,feature_maps<a,c,{TAPPED}>>>",
        ("feature_maps", (1, 1)),
        "the map p needs a feature map",
        "found feature maps (8 × (32×32, 8×8))",
        "select<0, ...>",
    ),
    "a map twice": (
        f"coarser<c,max_pool<2,2,2,2>,feature_maps<a,c,{TAPPED}>>",
        ("coarser", (1, 1)),
        "there are two maps c",
        "found by their names",
        "",
    ),
    "maxima over what has no places": (
        "roi_pool<p,7,region_proposals<9,tap<p,fc<8,input_images<64,64>>>>>",
        ("roi_pool", (1, 1)),
        "roi_pool needs a feature map",
        "expected channels×height×width, found 8",
        "fc and flatten",
    ),
    "regions from maps of different channels": (
        f"roi_align<p,7,region_proposals<9,tap<p,feature_maps<a,b,{TAPPED}>>>>",
        ("roi_align", (1, 1)),
        "maps of different channels",
        "found 8×32×32, 16×16×16",
        "lateral blocks of fpn",
    ),
    "a proposal network without its anchors": (
        "rpn<relu,con<8,3,3,2,2,input_images<64,64>>>",
        ("rpn", (1, 1)),
        "'rpn' lacks its anchors",
        "expected head, anchors before the subnet",
        "",
    ),
    "another block in place of anchors": (
        "rpn<relu,relu,con<8,3,3,2,2,input_images<64,64>>>",
        ("rpn", (1, 1)),
        "rpn needs anchors as its second argument",
        "expected anchors<...>",
        "",
    ),
    "anchors without a height": (
        "rpn<relu,\nanchors<32,aspect=0>,con<8,3,3,2,2,input_images<64,64>>>",
        ("0", (2, 19)),
        "aspect is out of range",
        "expected at least 1e-06, found 0",
        "",
    ),
    "more sizes of anchors than maps": (
        "rpn<relu,\nanchors<32,64>,con<8,3,3,2,2,input_images<64,64>>>",
        ("anchors", (2, 1)),
        "anchors and feature maps do not agree in number",
        "expected a size for each of 1 maps, found 2 sizes",
        "everywhere=true",
    ),
    "anchors without images": (
        "rpn<relu,anchors<32>,con<8,3,3,2,2,input<3,64,64>>>",
        ("anchors", (1, 10)),
        "anchors needs images",
        "found a tensor (3×64×64)",
        "a detector begins with input_images",
    ),
    "a tap that is not there": (
        FOUND.replace("roi_align<maps", "\nroi_align<mapz"),
        ("roi_align", (2, 1)),
        "there is no place 'mapz' between here and the input",
        "visible here: maps",
        "did you mean 'maps'?",
    ),
    "a tap where there are none": (
        FOUND.replace("tap<maps,con<8", "relu<con<8"),
        ("roi_align", (1, 15)),
        "there is no place 'maps'",
        "visible here: none",
        "put tap<maps, ...> around",
    ),
    "decisions on no regions": (
        "detect<3,fc<8,con<8,3,3,2,2,input_images<64,64>>>>",
        ("detect", (1, 1)),
        "detect needs features of regions",
        "no roi_align, roi_pool or warp before it",
        "roi_align<maps, 7, rpn<...>>",
    ),
    "masks for other classes": (
        f"masks<con<4,1,1,1,1,roi_align<maps,7>>,{FOUND}>",
        ("masks", (1, 1)),
        "masks and detections disagree about the classes",
        "expected 3 channels, one for each class, found 4×7×7",
        "",
    ),
    "masks without places": (
        f"masks<fc<3,roi_align<maps,7>>,{FOUND}>",
        ("masks", (1, 1)),
        "masks need a map for each region",
        "found 100 of 3",
        "",
    ),
    "masks of proposals": (
        f"masks<con<3,1,1,1,1,roi_align<maps,7>>,{GIVEN}>",
        ("masks", (1, 1)),
        "masks needs detections",
        "found proposals (20 proposals)",
        "detect makes detections",
    ),
    "sums of maps of different names": (
        f"relu<\nresidual<feature_maps<a,b>,feature_maps<a,c>,{TAPPED}>>",
        ("residual", (2, 1)),
        "joins feature maps of different names",
        "found a, b and a, c",
        "name their maps by the taps",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_what_does_not_fit(case: tuple[str, tuple[str, tuple[int, int]], str, str, str]) -> None:
    text, (at, place), message, note, help = case
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.load(text).check()
    first = caught.value.diagnostics[0]
    assert message in first.message
    assert first.span is not None
    assert (first.span.text, first.span.position) == (at, place)
    assert note in "\n".join(first.notes)
    assert help in (first.help or "")


def test_the_scale_that_fits() -> None:
    """The same network with 1/16, by hand and by the sizes."""
    for scale in ("scale=1.0/16,", ""):
        archdsl.load(POOLED.replace("scale=1.0/32,", scale)).check()
