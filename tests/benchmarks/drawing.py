"""Drawing against torchview on the same networks: whole processes, from nothing to an SVG file.

Run: python tests/benchmarks/drawing.py, with torchview installed beside archdsl, and Graphviz's
``dot``, which torchview lays out with. archdsl needs neither.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import paired, report, seconds

SAME = ("vgg19", "googlenet", "resnet50", "densenet121", "resnet152")
TORCHVIEW = """
import sys, torchvision, torchview
options = {"init_weights": False, "aux_logits": False} if sys.argv[1] == "googlenet" else {}
model = torchvision.models.get_model(sys.argv[1], weights=None, **options)
drawn = torchview.draw_graph(model, input_size=(1, 3, 224, 224), device="meta")
drawn.visual_graph.render(sys.argv[2], format="svg")
"""


def process(*arguments: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)


def against_torchview(name: str, folder: Path) -> None:
    mine, theirs = folder / f"{name}.svg", folder / f"{name}_torchview"
    ratio = paired(
        lambda: process("-c", TORCHVIEW, name, str(theirs)),
        lambda: process("-m", "archdsl", "draw", name, "-o", str(mine)),
        pairs=4,
    )
    assert mine.stat().st_size > 5_000 and theirs.with_suffix(".svg").stat().st_size > 5_000
    report(f"torchview / archdsl draw {name}", ratio, 5, at_least=True)


def large(folder: Path) -> None:
    """He et al. 2016, "Identity Mappings", has a ResNet of 1001 layers; a run of every layer."""
    out = str(folder / "large.svg")
    whole = ("-m", "archdsl", "draw", "resnet152", "--depth", "99", "--no-fold", "-o", out)
    report("seconds: resnet152, every block open", seconds(lambda: process(*whole)), 5)
    spec = folder / "resnet1001.arch"
    spec.write_text(
        '#include "blocks/resnet.arch"\n'
        "using net_type = classifier<10,bottleneck_stage<111,64,2,bottleneck_stage<111,32,2,"
        "bottleneck_stage<111,16,1,relu<conv_bn<16,3,1,input<3,32,32>>>>>>>;\n"
    )
    closed = ("-m", "archdsl", "draw", str(spec), "-o", out)
    report("seconds: a CIFAR ResNet of 1001 layers", seconds(lambda: process(*closed)), 2)


if __name__ == "__main__":
    if shutil.which("dot") is None:
        sys.exit("torchview needs Graphviz's dot")
    with tempfile.TemporaryDirectory() as directory:
        for name in SAME:
            against_torchview(name, Path(directory))
        large(Path(directory))
