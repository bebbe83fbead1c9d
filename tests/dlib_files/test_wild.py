"""Habits of C++ programs, one in each file: dlib's compilers read them all."""

from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics import ArchError

WILD = Path(__file__).parent / "wild"

FULL = [
    ("auto", 3),
    ("binary", 3),
    ("bits", 9),
    ("enum_class", 3),
    ("enumeration", 8),
    ("extern", 6),
    ("function_cast", 6),
    ("hex", 16),
    ("macro", 8),
    ("macro_of_macro", 8),
    ("octal", 8),
    ("octal_shift_in_place", 4),
    ("old_cast", 6),
    ("separators", 1000),
    ("shift", 16),
    ("size_t", 6),
    ("split_type", 6),
    ("static_cast", 6),
    ("std_min", 32),
    ("ternary", 5),
    ("two_names", 6),
    ("uint32", 6),
    ("variable", 6),
    ("member_variable", 4),
    ("static_variable", 3),
    ("initialised_variable", 5),
    ("unique_pointer", 4),
    ("function_parameter", 7),
    ("constexpr_function", 12),
    ("recursive_function", 24),
    ("variable_template", 6),
    ("comparison", 7),
]
"""Files whose network is one full layer on four values, and its outputs, which C++ gives."""


@pytest.mark.parametrize(("name", "outputs"), FULL)
def test_a_number_is_what_cpp_makes_of_it(name: str, outputs: int) -> None:
    summary = archdsl.load(WILD / f"{name}.cpp").summary()
    assert f"output {outputs}," in str(summary)
    assert summary.parameters == 4 * outputs + outputs


def test_types_of_template_parameters() -> None:
    """Four values to four, 4*4 + 4, and these to three, 4*3 + 3."""
    assert archdsl.load(WILD / "template_types.cpp").summary().parameters == 20 + 15


def test_two_parameters_of_one_name_are_refused() -> None:
    text = "template <int N, int N, typename S> using a = fc<N, S>;\na<3, 4, input<1>>"
    with pytest.raises(ArchError, match="'N' is declared twice"):
        archdsl.load(text)


def test_the_classes_behind_dlibs_layers_take_enumerators() -> None:
    """Biases: none of fc_ and linear_; norms: 2*3 channels and 2*5 values (dnn/layers.h)."""
    assert archdsl.load(WILD / "no_bias.cpp").summary().parameters == 4 * 3
    norms = archdsl.load(WILD / "norm_modes.cpp").summary()
    assert norms.parameters == (3 + 3) + 2 * 2 + 2 * 3 + (12 * 5 + 5) + 2 * 5


def test_a_class_of_several_layers_needs_its_enumerator(tmp_path: Path) -> None:
    with pytest.raises(ArchError, match="'bn_' lacks its mode"):
        _cpp(tmp_path, "using a = add_layer<bn_, input<matrix<float, 2, 2>>>;")


@pytest.mark.parametrize("layer", ["max_pool<2, 2, S>", "avg_pool<2, 2, S>", "con<4, 1, 1, S>"])
def test_strides_have_no_default_in_cpp(layer: str, tmp_path: Path) -> None:
    """The templates of dnn/layers.h have none; .arch gives them one."""
    written = layer.replace("S", "input<matrix<float, 2, 2>>")
    with pytest.raises(ArchError, match="lacks its stride_h"):
        _cpp(tmp_path, f"using a = {written};")
    archdsl.load(layer.replace("S", "input<1, 2, 2>"))


@pytest.mark.parametrize("name", ["own_loss", "unknown_loss"])
def test_a_loss_of_its_own_passes_the_output_on(name: str) -> None:
    network = archdsl.load(WILD / f"{name}.cpp")
    assert [warning.code for warning in network.warnings] == ["W011"]
    assert network.summary().parameters == 4 * 3 + 3


@pytest.mark.parametrize("name", ["own_input", "unknown_input"])
def test_an_input_of_its_own_asks_for_its_size(name: str) -> None:
    path = WILD / f"{name}.cpp"
    with pytest.raises(ArchError, match="'my_input' is an input class of its own") as caught:
        archdsl.load(path).check()
    (error,) = caught.value.diagnostics
    assert error.code == "E127"
    assert "--input" in (error.help or "")
    assert archdsl.load(path, input=(2, 3, 1)).summary().parameters == 6 * 3 + 3


def test_a_layer_of_its_own_is_refused_by_name_and_place() -> None:
    with pytest.raises(ArchError, match="'mine_' is a layer class of its own") as caught:
        archdsl.load(WILD / "own_layer.cpp")
    (error,) = caught.value.diagnostics
    assert "own_layer.cpp:4:7" in " ".join(error.notes)


@pytest.mark.parametrize("name", ["given_macro", "macro"])
def test_a_value_from_outside_is_a_macro(name: str) -> None:
    """As ``g++ -DFNUM=6`` has it, and where the file has a value of its own, in its place."""
    path = WILD / f"{name}.cpp"
    assert archdsl.load(path, FNUM=6).summary().parameters == 4 * 6 + 6
    with pytest.raises(ArchError, match="no parameter 'FNUN'"):
        archdsl.load(path, FNUN=6)


def _cpp(folder: Path, text: str) -> archdsl.Network:
    """The network of a C++ file with a text."""
    path = folder / "net.cpp"
    path.write_text(f"#include <dlib/dnn.h>\nusing namespace dlib;\n{text}\n")
    return archdsl.load(path)
