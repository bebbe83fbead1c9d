"""Each spec that names a model of timm is that model, and the command line says so."""

import json

import pytest
from click.testing import CliRunner
from equality import MODES, assert_equal
from support import families

import archdsl
from archdsl.cli import main
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source
from archdsl.frontend.header import facts
from archdsl.importers.verification import reference

pytest.importorskip("timm")

REFERENCES = {
    name: found
    for name in spec_names()
    if (found := facts(open_source(name)).reference or "").startswith("timm:")
}
SIZE = (3, 107, 107)  # the smallest that the Inception networks can take, or nearly so
QUICK = {"ghostnet", "mobilenet_v1", "repvgg_a0", "resnet50_preact", "se_resnet50"}
# Those of a weight for every place, and of maps that meet at twice their size.
SIDES = {"mlp_mixer_b16": 224, "hrnet_w18": 64}
SPECS = families.family(REFERENCES, QUICK)


def test_networks_that_torchvision_lacks() -> None:
    expected = {"inception_v4", "inception_resnet_v2", "mobilenet_v1", "xception"}
    assert REFERENCES.keys() >= expected | {"resnet50_preact"}


@MODES
@pytest.mark.parametrize("name", SPECS)
def test_equals_timm_exactly(name: str, training: bool) -> None:
    module = archdsl.load(name).to_torch()
    size = (3, SIDES[name], SIDES[name]) if name in SIDES else SIZE
    assert_equal(module, reference(REFERENCES[name]), size, training)


# The second is the former name of timm's legacy_xception.
@pytest.mark.parametrize(
    ("name", "model"), [("mobilenet_v1", "mobilenetv1_100"), ("xception", "xception")]
)
def test_verify_accepts(name: str, model: str) -> None:
    command = ["verify", name, "--against", f"timm:{model}", "--batch", "1", "--json"]
    outcome = CliRunner().invoke(main, command)
    assert outcome.exit_code == 0
    document = json.loads(outcome.stdout)
    assert document["matched"] and document["params_equal"] and document["max_rel_diff"] <= 1e-5


def test_a_name_that_timm_does_not_know_is_refused() -> None:
    outcome = CliRunner().invoke(main, ["verify", "xception", "--against", "timm:xceptions"])
    assert outcome.exit_code == 1
    assert "timm has no model 'xceptions'; did you mean" in outcome.stderr
