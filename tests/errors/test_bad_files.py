"""Files that cannot be read and includes that go wrong are refused, with the place that asked."""

import os
from pathlib import Path

import pytest
from support.specs import write

import archdsl
from archdsl.diagnostics import ArchError, Diagnostic

NET = "using net_type = relu<input<1,2,2>>;\n"


def first_error(path: Path | str) -> Diagnostic:
    with pytest.raises(ArchError) as caught:
        archdsl.load(path).check()
    assert str(caught.value)
    return caught.value.diagnostics[0]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, lenet5=NET)
    error = first_error(tmp_path / "lenet.arch")
    assert "there is no file or bundled spec" in error.message
    assert error.span is None
    assert error.help is not None and "lenet5.arch" in error.help


def test_a_bundled_spec_that_is_not_there() -> None:
    error = first_error("resnet5O")
    assert "'resnet5O'" in error.message
    assert error.help == "did you mean 'resnet50'?"


def test_a_folder(tmp_path: Path) -> None:
    error = first_error(tmp_path)
    assert "cannot read" in error.message and "directory" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path, a=NET)
    path.chmod(0)
    assert "Permission denied" in first_error(path).message


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_bytes(b"// caf\xe9\n" + NET.encode())
    error = first_error(path)
    assert "is not UTF-8 text (byte 6)" in error.message


def test_a_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_bytes(bytes(range(128)))
    assert "has no meaning here" in first_error(path).message


def test_an_empty_file(tmp_path: Path) -> None:
    path = write(tmp_path, a="")
    error = first_error(path)
    assert "defines no network" in error.message and "a.arch" in error.message


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_bytes(b"\xef\xbb\xbf" + NET.encode())
    assert len(archdsl.load(path).check().graph) == 2


def test_an_error_in_an_included_file_is_shown_there(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        a='#include "b.arch"\nusing net_type = block<input<1,2,2>>;\n',
        b="template <typename SUBNET>\nusing block = rleu<SUBNET>;\n",
    )
    error = first_error(path)
    assert error.span is not None
    assert error.span.source.name.endswith("b.arch")
    assert (error.span.text, error.span.position) == ("rleu", (2, 15))
    (frame,) = error.frames
    assert frame.instance == "block"
    assert frame.span.source.name.endswith("a.arch") and frame.span.position == (2, 18)


def test_a_syntax_error_in_an_included_file(tmp_path: Path) -> None:
    path = write(tmp_path, a=f'#include "b.arch"\n{NET}', b="\nusing block = relu<relu;\n")
    error = first_error(path)
    assert error.message == "a '>' is missing"
    assert error.span is not None
    assert error.span.where.endswith("b.arch:2:24")


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_cycle_of_includes(tmp_path: Path, length: int) -> None:
    """f0 includes f1, ... and the last one f0 again; the last include is the culprit."""
    names = [f"f{n}" for n in range(length)]
    files = {
        name: f'#include "{names[(n + 1) % length]}.arch"\n{NET}' for n, name in enumerate(names)
    }
    error = first_error(write(tmp_path, **files))
    assert error.message == "a cycle of includes"
    assert " -> ".join(f"{name}.arch" for name in [*names, "f0"]) in error.notes[0]
    assert error.span is not None
    assert error.span.source.name.endswith(f"{names[-1]}.arch")
    assert error.span.text == '#include "f0.arch"'


def test_including_a_file_by_two_ways_is_no_cycle(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        a=f'#include "b.arch"\n#include "c.arch"\n{NET}',
        b='#include "d.arch"\n',
        c='#include "d.arch"\n',
        d="param int n = 1;\n",
    )
    assert archdsl.load(path, n=2).check().checked.parameters == {"n": 2}


@pytest.mark.parametrize("target", ["../b.arch", "inner/../../b.arch", "{absolute}"])
def test_an_include_that_leaves_its_folder(tmp_path: Path, target: str) -> None:
    write(tmp_path, b="")
    (tmp_path / "spec" / "inner").mkdir(parents=True)
    target = target.format(absolute=tmp_path / "b.arch")
    path = write(tmp_path, spec__a=f'#include "{target}"\n{NET}')
    error = first_error(path)
    assert error.message == "an include may not leave the folder of its spec"
    assert error.span is not None
    assert (error.span.text, error.span.position) == (f'"{target}"', (1, 10))
    assert target in error.notes[0]


def test_an_include_that_leaves_by_a_link(tmp_path: Path) -> None:
    write(tmp_path, outside__b="")
    path = write(tmp_path, spec__a=f'#include "b.arch"\n{NET}')
    (tmp_path / "spec" / "b.arch").symlink_to(tmp_path / "outside" / "b.arch")
    assert "may not leave" in first_error(path).message


def test_an_included_file_may_go_up_within_the_folder(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        a='#include "inner/b.arch"\nusing net_type = block<input<1,2,2>>;\n',
        inner__b='#include "../c.arch"\n',
        c="template <typename SUBNET> using block = relu<SUBNET>;\n",
    )
    assert len(archdsl.load(path).check().graph) == 2


def test_an_include_that_is_not_utf8(tmp_path: Path) -> None:
    path = write(tmp_path, a=f'\n#include "b.arch"\n{NET}')
    (tmp_path / "b.arch").write_bytes(b"\xff\xfe")
    error = first_error(path)
    assert "is not UTF-8" in error.message
    assert error.span is not None
    assert error.span.where.endswith("a.arch:2:1")


def test_an_include_of_a_folder(tmp_path: Path) -> None:
    path = write(tmp_path, a=f'#include "inner"\n{NET}', inner__b="")
    assert "there is no file 'inner' to include" in first_error(path).message


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_text("relu<\x1b[31m\x07\u202e,input<1,2,2>>", encoding="utf-8")
    shown = str(first_error(path))
    assert all(character.isprintable() or character == "\n" for character in shown)
