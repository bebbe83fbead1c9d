"""Formatting changes whitespace and nothing else, and formatting twice is formatting once."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import families
from texts import bare_tokens, disordered, networks, tokens

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.frontend.bundled import specs_folder
from archdsl.frontend.format import formatted
from archdsl.ir.network import Scope

FILES = sorted(specs_folder().rglob("*.arch"))
# Blocks are quick, as networks do not show how their files are written.
BROKEN = families.family(
    FILES,
    [f for f in FILES if f.parent != specs_folder() or f.stem in families.ONE_OF_EACH],
)


def fmt(text: str, **how: bool) -> str:
    return formatted(Source("spec.arch", text), **how)


def canonical(text: str, **how: bool) -> str:
    """The formatted text, which has to be its own formatted text."""
    once = fmt(text, **how)
    assert fmt(once, **how) == once
    assert max(map(len, once.split("\n"))) <= 100 or "//" in once or "/*" in once
    assert not any(line != line.rstrip() for line in once.split("\n"))
    return once


SPAN = re.compile(r"span=(None|Span\(source=Source\(.*?\), start=\d+, end=\d+\))")


def scopes(scope: Scope | None) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    while scope is not None:
        found.append((scope.path, scope.title, scope.template, scope.blocks))
        scope = scope.parent
    return found


def expanded(
    text_or_file: str | Path, size: tuple[int, int, int] | None = None
) -> tuple[object, object]:
    """Nodes with layers, arguments, inputs, scopes and shapes, and the edges with theirs."""
    graph = archdsl.load(text_or_file, input=size).check().graph
    nodes = [
        (
            name,
            SPAN.sub("", repr(i.layer)),
            i.path,
            i.inputs,
            i.frozen,
            scopes(i.scope),
            data["shape"],
        )
        for name, data in graph.nodes.items()
        for i in [data["instance"]]
    ]
    return nodes, list(graph.edges(keys=True, data=True))


@pytest.fixture(scope="module")
def reformatted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundled specs, every token on a line of its own, then formatted."""
    folder = tmp_path_factory.mktemp("specs")
    for file in FILES:
        copy = folder / file.relative_to(specs_folder())
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(canonical("\n".join(tokens(file.read_text("utf-8")))), "utf-8")
    return folder


def test_bundled_specs_are_formatted() -> None:
    for file in FILES:
        text = file.read_text("utf-8")
        assert fmt(text) == text, f"archdsl fmt {file}"


@pytest.mark.parametrize("name", families.specs())
def test_bundled_specs_keep_their_networks(name: str, reformatted: Path) -> None:
    assert expanded(reformatted / f"{name}.arch") == expanded(specs_folder() / f"{name}.arch")


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
@pytest.mark.parametrize("flow", [False, True], ids=["nest", "flow"])
def test_bundled_specs_however_their_lines_break(file: Path, flow: bool) -> None:
    text = file.read_text("utf-8")
    wanted = bare_tokens(text)
    assert bare_tokens(canonical(text, flow=flow)) == wanted
    lines_per_token = "\n".join(tokens(text))
    assert bare_tokens(canonical(lines_per_token, flow=flow)) == wanted
    assert tokens(canonical(lines_per_token)) == tokens(text)
    pieces = [f"\n{token}\n" if token.startswith("#") else token for token in bare_tokens(text)]
    unbroken = " ".join(pieces)
    assert bare_tokens(canonical(unbroken, flow=flow)) == wanted


DEFINITION = re.compile(
    r"^[ \t]*(?:(?:template\b[^;={]*?)?using \w+\s*=[^;]*;|const unsigned long \w+ = \d+;)", re.M
)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("introduction", (1, 28, 28)),
        ("introduction2", (1, 28, 28)),
        ("inception", (1, 28, 28)),
        ("imagenet", None),
        ("metric_learning_on_images", None),
        ("mmod", (3, 200, 200)),
    ],
)
def test_dlibs_examples(name: str, size: tuple[int, int, int] | None) -> None:
    source = os.environ.get("DLIB_SOURCE")
    if not source:
        pytest.skip("needs dlib's source in DLIB_SOURCE")
    program = Path(source) / "examples" / f"dnn_{name}_ex.cpp"
    if not program.is_file():
        pytest.skip("the source tree of dlib in DLIB_SOURCE is without its examples")
    found = DEFINITION.findall(program.read_text("utf-8"))
    assert len(found) > 0
    spec = "\n".join(found)
    once = canonical(spec)
    assert tokens(once) == tokens(spec)
    assert expanded(once, size) == expanded(program, size)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_specs_keep_tokens_and_network(data: st.DataObject) -> None:
    text = data.draw(networks())
    spoilt = data.draw(disordered(text))
    once = canonical(spoilt)
    assert tokens(once) == tokens(spoilt)
    assert bare_tokens(once) == tokens(text)
    assert expanded(once) == expanded(text)
    flow = canonical(spoilt, flow=True)
    assert bare_tokens(flow) == tokens(text)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_damaged_bundled_specs_either_format_or_are_refused(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(FILES)).read_text("utf-8")
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 4))
    text = (
        text[:at]
        + data.draw(st.sampled_from(["", "<", ">", ",", "\n", "//", "/* */", "{ }"]))
        + text[at + cut :]
    )
    try:
        once = fmt(text)
    except ArchError:
        return
    assert tokens(once) == tokens(text)
    assert fmt(once) == once


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_closing_gives_back_what_was_cut_off(data: st.DataObject) -> None:
    text = data.draw(networks()).rstrip(";")
    unclosed = text.rstrip(">")
    once = canonical(unclosed + data.draw(st.sampled_from(["", "\n", " // end", ";"])), close=True)
    end = ";" if "net_type" in text else ""
    assert "".join(bare_tokens(once)).rstrip(";") + end == "".join(tokens(text)) + end


def test_time_grows_with_the_text_alone() -> None:
    def seconds(layers: int) -> float:
        nested = "fc<10," + "relu<con<64,3,3,1,1," * (layers // 2) + "input<3,32,32>"
        start = time.perf_counter()
        canonical(nested + ">" * (layers + 1))
        return time.perf_counter() - start

    seconds(100)
    small, large = min(seconds(1_000) for _ in range(3)), seconds(10_000)
    assert large < 3 * 10 * small


def test_long_lists_are_no_slower() -> None:
    text = "using a = yolo_v3<" + ", ".join(["10,13"] * 5_000) + ", map>;"
    start = time.perf_counter()
    once = canonical(text)
    assert time.perf_counter() - start < 10
    assert tokens(once) == tokens(text)


def test_the_compiler_is_not_loaded_for_it() -> None:
    program = (
        "import sys\nfrom archdsl.cli import main\n"
        "main(['fmt', '--check', *sys.argv[1:]], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules"
    )
    file = str(specs_folder() / "vgg19.arch")
    subprocess.run([sys.executable, "-c", program, file], check=True, timeout=60)
