"""Files that dlib itself wrote: they go in and out, and compute what dlib computed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import CASES, Case
from click.testing import CliRunner

import archdsl
from archdsl.backends.formats import encode, format_of
from archdsl.cli import main
from archdsl.diagnostics import ArchError
from archdsl.dlib import reader as reading
from archdsl.dlib import writer as writing
from archdsl.dlib.open_file import open_saved
from archdsl.dlib.to_spec import respelled
from archdsl.dlib.tree import Chain, LayerNode, Node, Repeated, Saved

DATA = Path(__file__).parent.parent / "oracle" / "data"
FILES = sorted(DATA.glob("*.dat"))


def text_of(case: Case) -> str:
    """What archdsl reads; the files hold what a dropout was turned into."""
    return case.used if "dropout" in case.text else case.text


def loadable(case: Case) -> bool:
    try:
        archdsl.load(text_of(case), input=case.size).check()
    except ArchError:
        return False
    return True


CASES_OF_OURS = [case for case in CASES if (DATA / f"{case.name}.dat").exists() and loadable(case)]


def cleaned(saved: Saved) -> Saved:
    """A file without what is left of the last batch, which no trained network consists of."""

    def node(found: Node) -> Node:
        if isinstance(found, Repeated):
            return replace(found, blocks=tuple(map(chain, found.blocks)))
        if isinstance(found, LayerNode):
            record, values = found.record, dict(found.record.values)
            for field in record.kind.fields:
                if field.transient:
                    values[field.name] = field.default
            return replace(found, record=record._replace(values=values))
        return found

    def chain(found: Chain) -> Chain:
        return replace(found, nodes=tuple(map(node, found.nodes)))

    return replace(saved, chain=chain(saved.chain))


def written(network: archdsl.Network, module: torch.fx.GraphModule) -> bytes:
    return encode(format_of(Path("x.dat")), network.checked, module)


def test_there_are_files_to_compare_with() -> None:
    assert len(FILES) >= 30 and len(CASES_OF_OURS) >= 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_are_read_and_written_byte_by_byte(path: Path) -> None:
    content = path.read_bytes()
    saved = reading.parse(content, path.name)
    assert writing.encode(saved) == content
    assert saved.behind == 0


@pytest.mark.parametrize("case", CASES_OF_OURS, ids=lambda case: case.name)
def test_networks_compute_what_dlib_computed_and_go_back(case: Case) -> None:
    path = DATA / f"{case.name}.dat"
    network = archdsl.load(text_of(case), input=case.size)
    module = archdsl.compile(text_of(case), input=case.size, weights=path)
    if case.name != "input_array2d":  # ours has one name for it and input<matrix>
        assert written(network, module) == writing.encode(cleaned(reading.read(path)))
    if case.name in ("tril", "input_pair"):
        return  # dlib's code is not what it documents; two images are one sample
    asked = np.load(DATA / f"{case.name}.npz")
    given = torch.from_numpy(asked["given"]).reshape(case.batch, *case.size)
    top = next(key for key in asked.files if key.endswith("/output") and key.startswith("layer/0/"))
    with torch.inference_mode():
        computed = module(given).numpy()
    np.testing.assert_allclose(computed.ravel(), asked[top].ravel(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.xml")), ids=lambda path: path.stem)
def test_xml_holds_the_same_network(path: Path) -> None:
    case = next(each for each in CASES if each.name == path.stem)
    from_xml = archdsl.compile(text_of(case), input=case.size, weights=path).state_dict()
    from_dat = archdsl.compile(text_of(case), input=case.size, weights=path.with_suffix(".dat"))
    for name, value in from_dat.state_dict().items():
        torch.testing.assert_close(from_xml[name], value, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["resnet.dat", "resnet.xml", "lenet.dat", "lenet.xml"])
def test_a_spec_made_of_a_file_takes_its_weights(name: str) -> None:
    case = next(each for each in CASES if each.name == Path(name).stem)
    text = respelled(open_saved(DATA / name))
    made = archdsl.compile(text, input=case.size, weights=DATA / name)
    meant = archdsl.compile(text_of(case), input=case.size, weights=DATA / f"{case.name}.dat")
    x = torch.rand(2, *case.size) * 255
    with torch.inference_mode():
        torch.testing.assert_close(made(x), meant(x), rtol=1e-5, atol=1e-6)
    if name.endswith(".dat"):
        network = archdsl.load(text, input=case.size)
        assert written(network, made) == (DATA / name).read_bytes()


def test_inspect_lists_a_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["inspect", str(DATA / "lenet.dat")])
    assert result.exit_code == 0, result.output
    # Of fc: 8 features, to 6; of the first convolution: 3 filters of 5×5 and their biases.
    for part in (
        "loss_multiclass_log_",
        "weights 8×6, biases 6",
        "54",
        "78",
        "con_6",
        "max_pool_2",
    ):
        assert part in result.output
    document = CliRunner().invoke(main, ["inspect", str(DATA / "resnet.xml"), "--json"])
    assert document.exit_code == 0 and '"kind": "input_rgb_image_sized"' in document.output
    missing = CliRunner().invoke(main, ["inspect", str(tmp_path / "no.dat")])
    assert missing.exit_code == 1 and "cannot read" in missing.output


def test_compile_writes_a_file_of_dlib(tmp_path: Path) -> None:
    case = next(each for each in CASES if each.name == "lenet")
    spec, output = tmp_path / "lenet.arch", tmp_path / "again.dat"
    spec.write_text(case.text)
    arguments = ["compile", str(spec), "--input", "1x16x16", "-o", str(output)]
    result = CliRunner().invoke(main, [*arguments, "--weights", str(DATA / "lenet.dat")])
    assert result.exit_code == 0, result.output
    assert output.read_bytes() == (DATA / "lenet.dat").read_bytes()
