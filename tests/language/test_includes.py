"""Includes: looked up beside the file, then among the bundled specs; read once, in their order."""

from pathlib import Path

import pytest
from support.specs import kinds, write

import archdsl
from archdsl.diagnostics import ArchError

BLOCK = "template <int N, typename SUBNET> using block = relu<con<N,3,3,SUBNET>>;\n"
NET = "using net_type = block<8,input<3,8,8>>;\n"


def test_a_file_beside(tmp_path: Path) -> None:
    path = write(tmp_path, net='#include "blocks.arch"\n' + NET, blocks=BLOCK)
    assert kinds(path) == ["input", "con", "relu"]


@pytest.mark.parametrize(
    "line", ['# include "b.arch"', '#include"b.arch" // comment', '#include "b.arch" /* comment */']
)
def test_spellings(tmp_path: Path, line: str) -> None:
    assert kinds(write(tmp_path, net=f"{line}\n{NET}", b=BLOCK)) == ["input", "con", "relu"]


def test_folders_are_relative_to_the_including_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        net='#include "one/a.arch"\n' + NET,
        one__a='#include "two/b.arch"\n',
        one__two__b='#include "../c.arch"\n',
        one__c=BLOCK,
        c="template <int N, typename SUBNET> using block = sig<SUBNET>;",
    )
    assert kinds(path) == ["input", "con", "relu"]


def test_bundled_files(tmp_path: Path) -> None:
    text = '#include "blocks/vgg.arch"\nrelu<input<1,2,2>>\n'
    assert kinds(text) == kinds(write(tmp_path, net=text)) == ["input", "relu"]


def test_a_file_beside_comes_before_a_bundled_one(tmp_path: Path) -> None:
    path = write(tmp_path, net='#include "blocks/vgg.arch"\n' + NET, blocks__vgg=BLOCK)
    assert kinds(path) == ["input", "con", "relu"]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """A second reading would declare the parameter twice, and define block anew."""
    path = write(
        tmp_path,
        net='#include "p.arch"\n'
        "template <int N, typename SUBNET> using block = sig<SUBNET>;\n"
        '#include "p.arch"\n#include "q.arch"\n' + NET,
        p="param int n = 3;\n" + BLOCK,
        q='#include "p.arch"\n',
    )
    assert kinds(path, n=4) == ["input", "sig"]


def test_a_name_sees_what_stands_before_it_in_any_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        net='const int width = 5;\n#include "b.arch"\nconst int width = 7;\n' + NET,
        b="template <int N, typename SUBNET> using block = con<width,3,3,SUBNET>;",
    )
    assert archdsl.load(path).summary().rows[-1].shape == (5, 8, 8)


def test_what_is_included_later_is_not_seen(tmp_path: Path) -> None:
    path = write(tmp_path, net=NET + '#include "b.arch"\n', b=BLOCK)
    with pytest.raises(ArchError, match="'block' is defined later"):
        archdsl.load(path)


@pytest.mark.parametrize("theirs", ["using net_type = {};", "using other = {};", "{}"])
def test_networks_of_an_included_file_are_not_the_files(tmp_path: Path, theirs: str) -> None:
    """Their definitions can be used by name, but the network is the file's own."""
    included = theirs.format("sig<input<1,2,2>>")
    path = write(tmp_path, net='relu<input<1,2,2>>;\n#include "b.arch"\n', b=included)
    assert kinds(path) == ["input", "relu"]


def test_an_included_network_by_name(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        net='#include "b.arch"\nusing net_type = htan<features>;',
        b="using features = sig<input<1,2,2>>;",
    )
    assert kinds(path) == ["input", "sig", "htan"]


def test_parameters_of_an_included_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        net='#include "b.arch"\nfc<classes,input<1,2,2>>',
        b="param int classes = 10;",
    )
    assert archdsl.load(path).summary().outputs == {"output": (10,)}
    assert archdsl.load(path, classes=3).summary().outputs == {"output": (3,)}


def test_a_network_is_named_after_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, mynet=BLOCK + NET)
    assert archdsl.load(path).name == "mynet"
    assert archdsl.load(str(path)).name == "mynet"
    assert archdsl.load("resnet18").name == "resnet18"
    assert archdsl.load(BLOCK + NET).name == "net_type"
