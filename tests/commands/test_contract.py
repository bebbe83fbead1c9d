"""The command line's contract: exit codes, streams, files, JSON."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import networkx as nx
import pytest
import torch
from safetensors.torch import load_file
from support.commands import run

import archdsl
from archdsl.cli import main, summary
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source

TINY = "fc<3,relu<con<4,3,3,1,1,input<2,8,8>>>>"
# 4 filters of 2×3×3 and a bias each; 3 outputs of 4·8·8 inputs and a bias each.
TINY_PARAMETERS = 4 * (2 * 9 + 1) + 3 * (4 * 64 + 1)
TINY_MACS = 4 * 64 * 2 * 9 + 3 * 4 * 64


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A spec in a folder of its own, which is the current one."""
    (tmp_path / "tiny.arch").write_text(TINY)
    (tmp_path / "broken.arch").write_text("fc<3,relux<input<2,8,8>>>")
    monkeypatch.chdir(tmp_path)
    return Path("tiny.arch")


# ---- check ----


def test_check_prints_a_line_per_file(tiny: Path) -> None:
    done = run("check", tiny, "vgg19")
    first, second = done.stdout.splitlines()
    assert done.exit_code == 0
    assert f"{TINY_PARAMETERS:,} parameters" in first
    assert "143,667,240" in second
    assert "19,632,062,464" in second


def test_check_goes_on_behind_a_broken_file(tiny: Path) -> None:
    done = run("check", "broken.arch", tiny)
    assert done.exit_code == 1
    assert "broken.arch:1:6: error[E101]: " in done.stderr
    assert "did you mean 'relu'?" in done.stderr
    assert f"{TINY_PARAMETERS:,}" in done.stdout


def test_check_tells_every_error_as_json(tiny: Path) -> None:
    Path("two.arch").write_text("fc<3,relux<con<4,0,input<2,8,8>>>>".replace("con<4,0,", "cin<4,"))
    done = run("check", "--json", "two.arch", tiny)
    assert done.exit_code == 1
    bad, good = json.loads(done.stdout)["files"]
    assert [(e["line"], e["column"]) for e in bad["errors"]] == [(1, 6), (1, 12)]
    assert good["ok"] is True
    assert good["params"] == TINY_PARAMETERS


def test_standard_input(tiny: Path) -> None:
    assert f"{TINY_MACS:,} MACs" in run("check", "-", stdin=TINY).stdout


def test_a_folder_stands_for_its_specs(tiny: Path) -> None:
    done = run("check", ".", "--json")
    assert [(f["file"], f["ok"]) for f in json.loads(done.stdout)["files"]] == [
        ("broken.arch", False),
        ("tiny.arch", True),
    ]


def test_compare_puts_networks_side_by_side() -> None:
    """Table 8 of the MobileNet paper has VGG-16 at 15300 million operations, GoogLeNet at 1550."""
    done = run("compare", "vgg16", "googlenet_paper", "--json")
    vgg, googlenet = json.loads(done.stdout)["specs"]
    assert vgg["macs"] / 1e6 == pytest.approx(15300, rel=0.02)
    assert googlenet["macs"] / 1e6 == pytest.approx(1550, rel=0.03)
    assert (vgg["year"], vgg["top1"], vgg["top5"]) == (2014, 73.0, 91.2)
    assert "138,357,544" in run("compare", "vgg16").stdout


def test_limits_can_be_set(tiny: Path) -> None:
    assert run("check", tiny, "--max-layers", "3").exit_code == 1
    assert run("check", tiny, "--max-layers", "4").exit_code == 0


# ---- summary ----


def test_summary_as_json(tiny: Path) -> None:
    document = json.loads(run("summary", tiny, "--json").stdout)
    layers = document.pop("layers")
    assert document == {
        "name": "tiny",
        "input": [2, 8, 8],
        "outputs": {"output": [3]},
        "params": TINY_PARAMETERS,
        "trainable": TINY_PARAMETERS,
        "buffers": 0,
        "macs": TINY_MACS,
        # The batch, the feature map and the outputs; in training, when the gradient of the ReLU is
        # made, those of the feature map twice and of the fully connected layer's weights as well.
        "memory": {
            "images": 1,
            "weights": 4 * TINY_PARAMETERS,
            "inference": 4 * (TINY_PARAMETERS + 128 + 256 + 3),
            "training": 4 * (TINY_PARAMETERS + 128 + 256 + 3 + 256 + 256 + 3 * (4 * 64 + 1)),
        },
    }
    assert [layer["kind"] for layer in layers] == ["input", "con", "relu", "fc"]
    assert [layer["shape"] for layer in layers] == [[2, 8, 8], [4, 8, 8], [4, 8, 8], [3]]
    assert sum(layer["params"] for layer in layers) == TINY_PARAMETERS


def test_summary_table_is_not_cut_in_a_pipe(tiny: Path) -> None:
    name = "a" * 120
    Path("long.arch").write_text(
        f"template <typename SUBNET> using {name} = relu<fc<3,SUBNET>>; "
        f"using net_type = {name}<input<2,8,8>>;"
    )
    assert f"{name}.fc" in run("summary", "long.arch").stdout


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("resnet50", 25_557_032, 4_089_184_256),
        ("resnet152", 60_192_808, 11_513_626_624),
        ("googlenet", 6_624_904, 1_498_376_192),
    ],
)
def test_summary_has_torchvisions_counts(name: str, parameters: int, macs: int) -> None:
    document = json.loads(run("summary", name, "--json").stdout)
    assert (document["params"], document["macs"]) == (parameters, macs)


def test_parameters_and_input(tiny: Path) -> None:
    wide = json.loads(
        run("summary", "resnet18", "-D", "classes=7", "--input", "3x64x96", "--json").stdout
    )
    assert wide["outputs"] == {"output": [7]}
    assert wide["input"] == [3, 64, 96]


# ---- compile ----


def test_compile_runs_and_writes(tiny: Path) -> None:
    done = run("compile", tiny, "-o", "w.safetensors", "-o", "g.json", "--seed", "3")
    assert done.exit_code == 0, done.output
    assert "1×3 in " in done.stdout
    module = archdsl.compile("tiny.arch", seed=3)
    stored = load_file("w.safetensors")
    assert stored.keys() == module.state_dict().keys()
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(stored[name], tensor, rtol=0, atol=0)


def test_the_graph_file_is_what_networkx_reads(tiny: Path) -> None:
    run("compile", "googlenet", "-o", "g.json")
    read = nx.node_link_graph(json.loads(Path("g.json").read_text()), edges="edges")
    graph = archdsl.load("googlenet").graph
    assert isinstance(read, nx.MultiDiGraph)
    assert list(read.nodes) == list(graph.nodes)
    assert set(read.edges(keys=True)) == set(graph.edges(keys=True))
    assert sum(node["params"] for _, node in read.nodes(data=True)) == 6_624_904


def test_compile_takes_weights_from_a_file(tiny: Path) -> None:
    run("compile", tiny, "-o", "w.safetensors", "--seed", "3")
    done = run("compile", tiny, "--weights", "w.safetensors", "-o", "again.safetensors")
    assert done.exit_code == 0, done.output
    assert Path("w.safetensors").read_bytes() == Path("again.safetensors").read_bytes()


def test_compile_as_json(tiny: Path) -> None:
    document = json.loads(run("compile", tiny, "--json").stdout)
    assert document["forward_shapes"] == {"output": [1, 3]}
    assert document["params"] == TINY_PARAMETERS


def test_an_unknown_suffix_is_refused_before_work(tiny: Path) -> None:
    done = run("compile", tiny, "-o", "w.safetensors", "-o", "w.docx")
    assert done.exit_code == 1
    assert ".safetensors" in done.stderr
    assert not Path("w.safetensors").exists()


def test_a_missing_device_is_told(tiny: Path) -> None:
    done = run("compile", tiny, "--device", "tpu9")
    assert done.exit_code == 1
    assert "expected cpu, cuda" in done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_compile_on_cuda(tiny: Path) -> None:
    assert run("compile", tiny, "--device", "cuda").exit_code == 0


# ---- output files ----


def test_bad_input_leaves_an_older_output_alone(tiny: Path) -> None:
    Path("out.svg").write_text("mine")
    assert run("draw", "broken.arch", "-o", "out.svg").exit_code == 1
    assert Path("out.svg").read_text() == "mine"
    assert sorted(p.name for p in Path().iterdir()) == ["broken.arch", "out.svg", "tiny.arch"]


@pytest.mark.parametrize("place", ["nowhere/x.svg", "folder.svg"])
def test_a_place_that_cannot_be_written(tiny: Path, place: str) -> None:
    Path("folder.svg").mkdir()
    done = run("draw", tiny, "-o", place)
    assert done.exit_code == 1
    assert f"cannot write {place}" in done.stderr


def test_output_files_have_the_permissions_of_new_files(tiny: Path) -> None:
    Path("plain").touch()
    run("draw", tiny)
    assert Path("tiny.svg").stat().st_mode == Path("plain").stat().st_mode
    Path("tiny.svg").chmod(0o600)
    run("draw", tiny)
    assert Path("tiny.svg").stat().st_mode & 0o777 == 0o600


# ---- verify ----


def test_verify_as_json() -> None:
    done = run("verify", "resnet18", "--against", "torchvision:resnet18", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 0
    assert document["matched"] is True
    assert document["params_equal"] is True
    assert document["max_abs_diff"] <= 1e-5


def test_verify_knows_the_reference_of_a_spec() -> None:
    assert "torchvision:resnet18" in run("verify", "resnet18").stdout


def test_verify_says_where_networks_part() -> None:
    done = run("verify", "resnet18", "--against", "torchvision:resnet34", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert document["matched"] is False
    assert document["differences"]


def test_verify_says_what_was_not_compared(tmp_path: Path) -> None:
    """A side output that ResNet-18 has not, without parameters and with some."""
    text = open_source("resnet18").text
    for head in ("sigmoid", "fc<7>"):
        own = tmp_path / "own.arch"
        side = text.replace("classifier<classes,", f"classifier<classes,branch<more,{head},", 1)
        own.write_text(side.replace(">>>>>>>;", ">>>>>>>>;"))
        done = run("verify", own, "--json")
        document = json.loads(done.stdout)
        assert done.exit_code == 3
        assert document["not_compared"] == ["more"] and not document["matched"]
        assert document["params_equal"] is (head == "sigmoid")
        done = run("verify", own)
        assert done.exit_code == 3 and "not compared: more" in done.stdout
        done = run("verify", own, "--partial", "--json")
        document = json.loads(done.stdout)
        assert done.exit_code == 0 and document["matched"]
        assert document["not_compared"] == ["more"]


def test_verify_compares_auxiliary_heads_in_the_mode_that_has_them(tmp_path: Path) -> None:
    aux = ("-D", "aux=true")
    document = json.loads(run("verify", "googlenet", *aux, "--json").stdout)
    assert document["matched"] and document["modes"] == ["eval", "training"]
    assert document["compared_only_in"] == {"aux1": "training", "aux2": "training"}
    assert document["not_compared"] == []
    text = open_source("googlenet").text
    exchanged = text.replace("aux1,", "aux3,").replace("aux2,", "aux1,").replace("aux3,", "aux2,")
    changed = text.replace("dropout<0.7,", "dropout<0.6,")
    for mutant, word in ((exchanged, "aux1"), (changed, "p is 0.7 in aux1.dropout")):
        assert mutant != text
        own = tmp_path / "own.arch"
        own.write_text(mutant)
        done = run("verify", own, *aux)
        assert done.exit_code == 1 and word in done.stdout
        assert run("verify", own, *aux, "--eval").exit_code == 3
        assert run("verify", own, *aux, "--training").exit_code == 1


@pytest.mark.parametrize(("factor", "code"), [(1 + 1e-3, 1), (1 + 1e-7, 0)])
def test_verify_has_a_tolerance(factor: float, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth more than the reference computes is another network."""
    import torch

    from archdsl.importers import verification as matching

    model = matching.reference("torchvision:squeezenet1_1")
    plain = type(model).forward

    class Scaled(type(model)):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            # A trace sees nothing of it.
            known = isinstance(x, torch.Tensor)
            return plain(self, x) * factor if known else plain(self, x)

    model.__class__ = Scaled
    monkeypatch.setattr(matching, "reference", lambda *_, **__: model)
    command = ("verify", "squeezenet1_1", "--eval", "--input", "3x64x64")
    assert run(*command).exit_code == code
    assert run(*command, "--tolerance", "0.1").exit_code == 0


def test_verify_counts_parameters_that_nothing_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch import nn

    from archdsl.importers import verification as matching

    model = matching.reference("torchvision:squeezenet1_1")
    model.add_module("unused", nn.Linear(2, 3))
    monkeypatch.setattr(matching, "reference", lambda *_, **__: model)
    done = run("verify", "squeezenet1_1", "--input", "3x64x64", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert document["matched"] and not document["params_equal"]


def test_verify_without_a_reference_is_wrong_usage(tiny: Path) -> None:
    assert run("verify", tiny).exit_code == 2
    assert run("verify", tiny, "--against", "torchvision:nothing").exit_code == 1


# ---- layers, specs, help ----


def test_layers_lists_arguments() -> None:
    listed = {layer["name"] for layer in json.loads(run("layers", "--json").stdout)["layers"]}
    assert {"con", "fc", "max_pool", "residual", "repeat", "bn_con", "batch_norm"} <= listed
    assert "add" not in listed  # comes from combinators only
    con = json.loads(run("layers", "con", "--json").stdout)
    required = [a["name"] for a in con["arguments"] if a["required"]]
    assert required == ["filters", "kernel_h", "kernel_w"]
    assert "eps" in run("layers", "batch_norm").stdout


def test_layers_suggests_a_name() -> None:
    done = run("layers", "max_poll")
    assert done.exit_code == 1
    assert "did you mean 'max_pool'?" in done.stderr


def test_specs_lists_every_bundled_network() -> None:
    document = json.loads(run("specs", "--json").stdout)
    assert [spec["name"] for spec in document["specs"]] == spec_names()
    for spec in document["specs"]:
        assert spec["year"] is not None, spec["name"]
        assert spec["reference"] or spec["proof"], spec["name"]


def test_help_and_wrong_usage() -> None:
    commands = ("check", "compare", "compile", "draw", "layers", "specs", "summary", "verify")
    commands += ("completion", "watch")
    listed = run("--help").stdout
    for command in commands:
        assert f"\n  {command} " in listed
        assert run(command, "--help").exit_code == 0
    assert run("compil", "vgg19").exit_code == 2
    assert run("check").exit_code == 2
    assert run("check", "lenet", "-D", "classes").exit_code == 2
    assert run("check", "lenet", "--input", "28").exit_code == 2


def test_errors_as_json(tiny: Path) -> None:
    done = run("summary", "broken.arch", "--json")
    (error,) = json.loads(done.stdout)["errors"]
    assert done.exit_code == 1
    assert (error["line"], error["column"], error["end_column"]) == (1, 6, 11)
    assert "error[E101]: " in done.stderr


_HEAVY = ("torch", "networkx", "lark", "PIL", "numpy", "rich")


@pytest.mark.parametrize(
    ("command", "without"),
    [
        (("check", "vgg19"), _HEAVY),
        (("summary", "lenet", "--json"), _HEAVY),
        (("draw", "lenet"), ("torch", "networkx", "lark", "rich")),
        (("layers",), ("torch", "networkx", "lark")),
        (("compile", "efficientnet_b0", "--quiet"), ("torchvision", "networkx", "lark", "rich")),
        (("--help",), (*_HEAVY, "archdsl.api", "archdsl.frontend", "archdsl.diagnostics")),
        (("--version",), (*_HEAVY, "archdsl.api", "archdsl.frontend", "archdsl.diagnostics")),
    ],
)
def test_nothing_is_imported_that_is_not_needed(
    command: tuple[str, ...], without: tuple[str, ...], tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom archdsl.cli import main\n"
        f"main({list(command)!r}, standalone_mode=False)\n"
        f"assert not set({without!r}) & sys.modules.keys()\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_list_of_commands_says_what_each_command_says() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None and command.help is not None
        assert " ".join(command.help.split()).startswith(summary(name).removesuffix(".")), name


def test_python_dash_m() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "--version"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith(archdsl.__version__)
