"""What ``archdsl diff`` prints, and how it ends."""

import json
from functools import partial
from pathlib import Path

import pytest
from support import commands

ONE = "fc<10,relu<con<8,3,3,1,1,input<3,8,8>>>>"
TWO = "fc<10,relu<con<9,3,3,1,1,input<3,8,8>>>>"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.arch").write_text(ONE)
    Path("two.arch").write_text(TWO)
    Path("broken.arch").write_text("fc<10,")


run = partial(commands.run, "diff", catch=False)


def lines(*arguments: str) -> list[str]:
    result = run(*arguments)
    assert result.exit_code == 0
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("one.arch", "one.arch"), 0),
        (("one.arch", "two.arch"), 0),
        (("one.arch", "one.arch", "--exit-code"), 0),
        (("one.arch", "two.arch", "--exit-code"), 1),
        (("one.arch", "two.arch", "--exit-code", "--json"), 1),
        (("one.arch", "broken.arch"), 1),
        (("one.arch",), 2),
    ],
)
def test_exit_status(arguments: tuple[str, ...], code: int) -> None:
    assert run(*arguments).exit_code == code


def test_an_error_names_its_file() -> None:
    result = run("one.arch", "broken.arch")
    assert "broken.arch:1" in result.stderr and not result.stdout


def test_equal_networks_are_one_sentence() -> None:
    assert lines("one.arch", "one.arch")[0] == "one → one: the same layers"


def test_a_change_is_a_row() -> None:
    # 27 weights and a bias for the ninth filter, used at 64 places; 64 values more for 10 units.
    found = lines("one.arch", "two.arch")
    assert "~ conv con: filters 8 → 9 8×8×8 → 9×8×8 +28 +1,728" in found
    assert "≈ fc fc 10 +640 +640" in found
    assert "one → two: 1 layer changed" in found
    # 224 + 5130 and 668 more.
    assert "parameters 5,354 → 6,022 (+668, +12.5%)" in found


def test_equal_blocks_are_one_row() -> None:
    found = lines("resnet50", "resnet101")
    assert any(line.startswith("+ block6 … block22 17 × block<bottleneck,256>") for line in found)
    assert len(found) < 15


def test_equal_blocks_without_a_name_are_one_row(tmp_path: Path) -> None:
    """Three sums more, each of a convolution with 16 × 16 × 9 + 16 = 2,320 parameters."""
    for count in (2, 5):
        text = f"repeat<{count},residual<con<16,3,3,1,1>>,con<16,7,7,2,2,input<3,32,32>>>"
        (tmp_path / f"{count}.arch").write_text(text)
    added = [row for row in lines("2.arch", "5.arch") if row.startswith("+")]
    assert len(added) == 1
    assert added[0].startswith("+ body3 … add5 3 × residual 16×13×13 +6,960 ")


def test_blocks_without_a_name_that_change_alike_are_told_once() -> None:
    """Radosavovic et al. 2020: six blocks a stage in RegNetY-400MF's last, twelve in X's."""
    rows = lines("regnet_x_400mf", "regnet_y_400mf")
    assert sum(row.startswith("~ body2 … relu6 5 × ") for row in rows) == 2
    assert sum(row.startswith("- body7 … relu12 6 × residual<x<400,16,1>>") for row in rows) == 1


def test_what_runs_through_a_network_is_told_once() -> None:
    """Ioffe and Szegedy's network has biases, torchvision's GoogLeNet has none."""
    found = lines("googlenet", "bn_inception")
    assert "~ all 51 con bias false → true" in found
    assert sum("bias" in line for line in found) == 1


def test_every_layer_has_a_row_with_all() -> None:
    result = run("vgg16", "vgg19", "--all")
    rows = [line for line in result.stdout.splitlines() if "vgg_" in line or " input" in line]
    assert (
        len(rows) == 46
    )  # 16 + 3 layers with weights, 18 activations, 5 + 1 poolings, 2 dropouts, input


def test_the_document() -> None:
    result = run("one.arch", "two.arch", "--json")
    document = json.loads(result.stdout)
    assert not document["equal"]
    assert document["counts"] == {
        "unchanged": 1, "added": 0, "removed": 0, "changed": 1, "affected": 2
    }  # fmt: skip
    changed = document["changes"][0]
    assert changed["arguments"] == {"filters": {"before": 8, "after": 9}}
    assert changed["before"]["shape"] == [8, 8, 8] and changed["after"]["shape"] == [9, 8, 8]
    assert changed["after"]["params"] == 9 * 28
    assert (document["before"]["params"], document["after"]["params"]) == (5354, 6022)


def test_the_document_of_parts_that_only_one_has() -> None:
    document = json.loads(run("vgg16", "vgg19", "--json").stdout)
    assert [change["status"] for change in document["changes"]] == ["added"] * 6
    assert all(change["before"] is None for change in document["changes"])


def test_options_hold_for_both() -> None:
    """Torchvision's parameters, less those of 993 classes with 512 weights and a bias."""
    found = lines("resnet18", "resnet34", "-D", "classes=7")
    totals = [11_689_512 - 993 * 513, 21_797_672 - 993 * 513]
    assert any(line.startswith("parameters {:,} → {:,} ".format(*totals)) for line in found)
    assert not any("1000" in line for line in found)
    assert "resnet18 → resnet34: 56 layers added" in found
