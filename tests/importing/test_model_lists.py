"""Lists of networks that nobody here has seen: each is imported and compared with its origin."""

from pathlib import Path

import pytest
from support import families
from support.commands import run

_NAMES = (
    "cspdarknet53 convnext_atto convnext_femto_ols cs3darknet_s cspnext_tiny cspresnet50 "
    "cspresnext50 darknetaa53 densenet121 dla34 dla60_res2net dpn48b eca_resnext26ts "
    "ecaresnet26t efficientnet_b0 fasternet_t0 fastvit_t8 fbnetc_100 ghostnet_050 "
    "ghostnetv2_100 hardcorenas_a hgnet_tiny hrnet_w18_small inception_next_atto "
    "inception_resnet_v2 inception_v3 inception_v4 lcnet_050 lcnetv2_small legacy_seresnet18 "
    "legacy_xception mixnet_s mnasnet_050 mobilenetv1_100 mobilenetv2_050 "
    "mobilenetv3_small_050 mobilenetv4_conv_small mobileone_s0 nasnetalarge pnasnet5large "
    "poolformer_s12 rdnet_tiny regnetv_040 regnetx_002 regnety_002 repghostnet_050 repvgg_a0 "
    "repvit_m0_9 res2net50_26w_4s resnet18 resnet18d resnet26t resnetaa50 resnetv2_18d "
    "resnetv2_50 resnext50_32x4d rexnet_100 selecsls42 semnasnet_075 seresnet50 "
    "seresnextaa101d_32x8d spnasnet_100 starnet_s050 test_byobnet test_efficientnet "
    "test_resnet tf_efficientnet_b0 tinynet_e vgg11_bn vovnet39a wide_resnet50_2 xception41 "
    "xception71 "
    # beside these: families of newer years
    "convmixer_768_32 fbnetv3_b gernet_s hgnetv2_b0 regnetz_005 res2next50 resnetrs50 "
)
TIMM = _NAMES.split()
"""One small model of each family of convolutional networks in timm that can be said."""
_SLOW = (
    "cs3darknet_s convnext_atto dla60_res2net dpn48b ecaresnet26t fastvit_t8 ghostnetv2_100 "
    "hgnet_tiny hgnetv2_b0 inception_next_atto mixnet_s mobilenetv4_conv_small mobileone_s0 "
    "rdnet_tiny repghostnet_050 repvit_m0_9 resnetv2_18d rexnet_100 selecsls42 starnet_s050"
)
OF_THESE = _SLOW.split()
"""Those with tags, splits, gates, scales and other forms of their own."""


@pytest.mark.parametrize("name", families.family(TIMM, (), OF_THESE))
def test_models_of_timm(name: str) -> None:
    pytest.importorskip("timm")
    done = run("import", f"timm:{name}")
    assert done.exit_code == 0, done.output
    assert "verified against" in done.stderr


NET = "[net]\nheight=64\nwidth=64\nchannels=3\n"
CONVOLUTION = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize=3\nstride={}\npad=1\n"
LINEAR = "[convolutional]\nfilters={}\nsize=1\nactivation=linear\n"
DARKNET = {
    "one head": LINEAR.format(21) + "[yolo]\nmask=0,1,2\nanchors=4,4, 8,8, 16,16\nclasses=2\nnum=3",
    "no mask": LINEAR.format(21) + "[yolo]\nanchors=4,4, 8,8, 16,16\nclasses=2\nnum=3\n",
    "pyramid pooling": "[maxpool]\nstride=1\nsize=5\n[route]\nlayers=-2\n"
    "[maxpool]\nstride=1\nsize=9\n[route]\nlayers=-1,-2,-3\n",
    "half of the channels": "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
    + CONVOLUTION.format(4, 1)
    + "[route]\nlayers=-1,-3\n",
    "reach": LINEAR.format(7) + "[yolo]\nmask=1\nanchors=4,4, 8,8\nclasses=2\nnum=2\n"
    "scale_x_y=1.05\niou_loss=ciou\nnms_kind=greedynms\n",
    "squared": LINEAR.format(7).replace("linear", "logistic")
    + "[yolo]\nmask=1\nanchors=4,4, 8,8\nclasses=2\nnum=2\nscale_x_y=2.0\nnew_coords=1\n",
    # As in YOLOv7: what reads the last map is written behind what reads an earlier one.
    "heads at the end": CONVOLUTION.format(8, 2)
    + "".join(
        f"[route]\nlayers={layer}\n" + LINEAR.format(7) + "[yolo]\nmask=0\nanchors=4,4\nclasses=2\n"
        for layer in (0, 1)
    ),
    "deeper shortcut": CONVOLUTION.format(4, 1) + "[shortcut]\nfrom=-2\nactivation=leaky\n",
    "region": LINEAR.format(14)
    + "[region]\nclasses=2\nnum=2\nsoftmax=1\ncoords=4\nanchors=1,2,3,4\n",
}


@pytest.mark.parametrize("name", DARKNET)
def test_forms_of_darknet(name: str, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        pytest.skip("OpenCV 5 reads no .cfg any more")
    file = tmp_path / "net.cfg"
    file.write_text(NET + CONVOLUTION.format(8, 2) + DARKNET[name])
    done = run("import", file)
    assert done.exit_code == 0, done.output
    assert "outputs as OpenCV's" in done.stderr


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("[region]\nclasses=2\nnum=1\nsoftmax=1\n", "[region] has too few anchors"),
        ("[yolo]\nclasses=2\n", "mask names an anchor that is not there"),
        ("[yolo]\nclasses=3\nanchors=4,4\nmask=0\nscale_x_y=1.05\n", "do not fit"),
    ],
)
def test_heads_of_darknet_that_are_refused(head: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "net.cfg"
    file.write_text(NET + CONVOLUTION.format(8, 2) + LINEAR.format(7) + head)
    done = run("import", file)
    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert words in done.stderr and "net.cfg:" in done.stderr
