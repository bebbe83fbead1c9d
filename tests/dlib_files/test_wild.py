"""Habits of C++ programs, one in each file: dlib's compilers read them all."""

import re
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
    ("anonymous_namespace", 7),
    ("array", 6 + 2),
    ("array_of_std", 6 + 4),
    ("attribute", 3 + 2),
    ("operator_words", 6),
    ("function_declarations", 3 * 2 + (2 + 3)),
    ("vector_of_networks", 4),
    ("comparison_in_place", 6),
    ("function_constant", 20),  # (2*2 + 1) * 4
    ("function_deduced", 6 + 2),
    ("function_default", 6 + 1),
    ("function_else_if", 8 + 2 + 4),
    ("function_if", 5 + 6),
    ("function_in_struct", 5),
    ("function_narrows", 3),  # 3.5 as int
    ("function_noexcept", 6),
    ("function_recursive_if", 10),
    ("function_template", 8),
    ("function_template_argument", 3 * 2 * 2 + 1 * 1 * 1),
    ("function_template_if", 4 + 3),
    ("function_variable", (2 + 1) + (4 * 2 + 1)),
    ("global_scope", 4),
    ("header_configured", 6),
    ("header_constants", 3 + 4),
    ("header_guarded", 3),
    ("if_arithmetic", 9),
    ("if_defined", 3),
    ("if_nested", 8),
    ("if_standard", 6),
    ("if_undefined", 4),
    ("if_value", 4),
    ("in_a_function", 5),
    ("macro_commented", 9 - 2),
    ("macro_default", 8),
    ("macro_definition", 7),
    ("macro_in_macro_call", 6),  # ((2) + 1) twice
    ("macro_not_called", 6),
    ("macro_pasted", 5),
    ("macro_undefined", 6),
    ("macro_without_body", 5),
    ("member_network", 4),
    ("member_of_object", 3),
    ("namespace_alias", 3),
    ("pack_size", 3),
    ("shift_in_place", 4 + 2),
    ("spliced_line", 3),
    ("struct_enumeration", 3 + 6),
    ("struct_inherited", 4 + 5),
    ("struct_inherited_template", 6 + 3),
    ("struct_recursive", 8),
    ("typedef_list", 3),
    ("using_declarations", 3),
]
"""Files whose network is one full layer on four values, and its outputs, which C++ gives."""


@pytest.mark.parametrize(("name", "outputs"), FULL)
def test_a_number_is_what_cpp_makes_of_it(name: str, outputs: int) -> None:
    summary = archdsl.load(WILD / f"{name}.cpp").summary()
    assert f"output {outputs}," in str(summary)
    assert summary.parameters == 4 * outputs + outputs


FC3 = 3 * 16 + 3
"""The values of a full layer of three on a map of 4x4."""

BLOCKS = [
    ("conditional_type", (5 * 4 + 5) + (8 * 5 + 8) + (3 * 8 + 3)),
    ("dependent_template", (5 * 4 + 5) + (3 * 5 + 3)),
    ("inherited_alias", (5 * 4 + 5) + (3 * 5 + 3)),
    ("member_template", (5 * 4 + 5) + 1 + (3 * 5 + 3)),
    ("partial_specialisation", (5 * 4 + 5) + 2 * 5 + (3 * 5 + 3)),
    ("macro_headers", (2 + 2) + (5 * 2 + 5) + 3 * 5 * 16 + 3),
    ("macro_layer_name", (4 * 9 + 4) + 2 * 4 + 3 * 4 * 16 + 3),
    ("macro_layers", (2 * 9 + 2) + (6 * 2 * 9 + 6) + 3 * 6 * 16 + 3),
    ("macro_subnet", (2 * 9 + 2) + (6 * 2 * 9 + 6) + 3 * 6 * 16 + 3),
    ("macro_tags", FC3),
    ("padding_given", (2 * 9 + 2) + 3 * 2 * 2 * 2 + 3),  # (4 + 2 - 3) / 2 + 1 = 2 each way
    ("padding_of_strides", (2 * 9 + 2) + 3 * 2 + 3),  # none: (4 - 3) / 2 + 1 = 1 each way
    ("padding_of_one_stride", (2 * 9 + 2) + 3 * 2 * 4 + 3),  # 1 down, where the stride is 1
    ("padding_of_pools", 3 * 1 + 3),  # none, as of con_
]
"""Files of several layers that give three values, and all their parameters by hand."""


@pytest.mark.parametrize(("name", "parameters"), BLOCKS)
def test_blocks(name: str, parameters: int) -> None:
    summary = archdsl.load(WILD / f"{name}.cpp").summary()
    assert "output 3," in str(summary)
    assert summary.parameters == parameters


REFUSED = {
    "array_not_constant": "what 'depths' means is not known",
    "argument_missing": "'con' lacks its stride_h",
    "element_missing": "there is no number 'element 3 or later of widths'",
    "bracket_missing": "a '>' is missing",
    "bracket_too_many": "one '>' too many",
    "defined_later": "a number belongs here",
    "endif_missing": "an #if without its #endif",
    "error_line": "does not want to be compiled",
    "macro_arguments": "the macro 'UNIT' takes 2 arguments",
    "macro_undefined": "there is no number 'FNUM'",
    "misspelt_layer": "unknown layer or template 'rellu'",
    "mode_missing": "'bn_' lacks its mode",
    "no_member": "'sizes' has no member 'output'",
    "other_branch": "a number belongs here",
    "repeated_parameter": "the parameter 'N' is declared twice",
    "stride_missing": "'max_pool' lacks its stride_h",
    "variable_size": "a number belongs here",
}
"""Files that no compiler takes either, and what is wrong with them."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_cpp_is_refused(name: str) -> None:
    with pytest.raises(ArchError, match=re.escape(REFUSED[name])):
        archdsl.load(WILD / "refused" / f"{name}.cpp")


def test_every_file_is_tested() -> None:
    own = Path(__file__).read_text(encoding="utf-8")
    names = {path.stem for path in (*WILD.glob("*.cpp"), *(WILD / "refused").glob("*.cpp"))}
    assert len(names) > 110
    assert {name for name in names if f'"{name}"' not in own and f"{name}.cpp" not in own} == set()


def test_a_value_from_outside_decides_a_condition() -> None:
    """As -D does with a compiler, and the value goes before the file's own."""
    path = WILD / "if_undefined.cpp"
    assert archdsl.load(path, USE_BIG_NETWORK=1).summary().parameters == 30 * 4 + 30
    assert archdsl.load(WILD / "if_value.cpp", DEPTH=1).summary().parameters == 3 * 4 + 3
    assert archdsl.load(WILD / "refused" / "error_line.cpp", CONFIGURED=1).summary()


@pytest.mark.parametrize(
    ("layer", "parameters"),
    [("relu", 3 * 4 + 3), ("con<8,3,3,1,1>", 8 * 9 + 8 + 3 * 32 + 3), ("max_pool<2,2,2,2>", 6)],
)
def test_a_layer_of_its_own_counts_as_another(layer: str, parameters: int) -> None:
    network = archdsl.load(WILD / "own_layer.cpp", opaque={"mine_": layer})
    assert network.summary().parameters == parameters
    (warning,) = network.warnings
    assert warning.code == "W012"
    assert f"'mine_' is a layer class of its own and counts as {layer}" in warning.message
    assert network.advice[0] == warning


OPAQUE = """
namespace own {{
template <int N, int M = 2> class mine_ {{ }};
template <int N, typename S> using mine = add_layer<mine_<N>, S>;
}}
using net_type = loss_metric<fc<3, {}input<matrix<float, 4, 4>>>>>;
"""


@pytest.mark.parametrize("use", ["own::mine<4, ", "add_layer<own::mine_<4, 5>, ", "elsewhere<4, "])
def test_what_an_opaque_layer_is_given_means_nothing(use: str, tmp_path: Path) -> None:
    """The class may be a template in a namespace, or of a header that is not there."""
    path = tmp_path / "net.cpp"
    path.write_text("#include <dlib/dnn.h>\nusing namespace dlib;" + OPAQUE.format(use))
    for layer, parameters in (("relu", FC3), ("con<2,1,1,1,1>", 4 + 3 * 2 * 16 + 3)):
        opaque = {"mine_": layer, "elsewhere": layer}
        assert archdsl.load(path, opaque=opaque).summary().parameters == parameters


@pytest.mark.parametrize("layer", ["rellu", "input<1,2,2>", "3", "relu<", ""])
def test_an_opaque_layer_has_to_be_one(layer: str) -> None:
    with pytest.raises(ArchError, match="expected a layer of one input") as caught:
        archdsl.load(WILD / "own_layer.cpp", opaque={"mine_": layer})
    assert caught.value.diagnostics[0].code == "E408"


def test_loops_in_functions_are_not_read(tmp_path: Path) -> None:
    function = "constexpr long f(long n) { long r = 1; while (n > 1) { n /= 2; ++r; } return r; }"
    with pytest.raises(ArchError, match="what 'f' means is not known") as caught:
        _cpp(tmp_path, f"{function}\nusing a = fc<f(8), input<matrix<float, 2, 2>>>;")
    assert "net.cpp:3:16" in str(caught.value)


def test_a_template_of_functions_with_a_specialisation_is_not_read(tmp_path: Path) -> None:
    """The general one would give a wrong number."""
    functions = (
        "template <int N> constexpr int f() { return N; }\n"
        "template <> constexpr int f<3>() { return 30; }"
    )
    with pytest.raises(ArchError, match="what 'f' means is not known"):
        _cpp(tmp_path, f"{functions}\nusing a = fc<f<3>(), input<matrix<float, 2, 2>>>;")


@pytest.mark.parametrize("name", ["concat1", "inception1", "bn", "affine_con"])
def test_names_that_no_release_has(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArchError, match=f"no release of dlib has '{name}', it went before 19.0"):
        _cpp(tmp_path, f"using a = {name}<input<matrix<float, 2, 2>>>;")


def test_names_taken_from_dlib_are_dlibs(tmp_path: Path) -> None:
    """``using dlib::fc;`` makes no new name, whatever it stands before."""
    text = "#include <dlib/dnn.h>\nusing dlib::fc; using dlib::input; using dlib::matrix;\n"
    path = tmp_path / "net.h"
    path.write_text(f"{text}using net_type = fc<3, input<matrix<float, 2, 2>>>;\n")
    assert archdsl.load(path).summary().parameters == 3 * 4 + 3


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
