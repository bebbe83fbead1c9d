"""Every broken spec of the corpus gives its errors, each once, at the marks and with its words."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.codes import explanations

HERE = Path(__file__).parent
PACKAGE = Path(archdsl.__file__).parent
CALLS = {"fail", "RuleError", "Diagnostic"}
STAGES = (
    "frontend/syntax",
    "frontend/elaborate",
    "frontend/files.py",
    "ir",
    "layers",
    "analysis/shapes.py",
)

_spec = importlib.util.spec_from_file_location("broken", HERE / "corpus" / "broken.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
BROKEN: list[tuple[str, str, tuple[str, ...]]] = _module.BROKEN


def unmarked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A text without its marks, and what they mark."""
    spans = []
    while "⟦" in text:
        start = text.index("⟦")
        end = text.index("⟧") - 1
        text = text.replace("⟦", "", 1).replace("⟧", "", 1)
        spans.append((start, end))
    return text, spans


@pytest.mark.parametrize("case", BROKEN, ids=[f"{c}-{n}" for n, (c, _, _) in enumerate(BROKEN)])
def test_a_broken_spec(case: tuple[str, str, tuple[str, ...]]) -> None:
    code, marked, words = case
    text, spans = unmarked(marked)
    with pytest.raises(ArchError) as caught:
        archdsl.load(text + "\n").check()
    found = caught.value.diagnostics
    assert [(d.span.start, d.span.end) for d in found if d.span] == spans, str(caught.value)
    assert {d.code for d in found} == {code}
    shown = str(caught.value)
    assert all(word in shown for word in words), shown
    assert f"error[{code}]: " in shown


def test_the_corpus_is_large_and_broad() -> None:
    codes = {code for code, _, _ in BROKEN}
    assert len(BROKEN) >= 80
    assert codes <= explanations().keys()
    # What no text by itself can be wrong in: general codes, files, sizes, what is asked for.
    elsewhere = {
        *("E000", "E100", "E129", "E130", "E134", "E135", "E136", "E200", "E206", "E300"),
        *("E015", "E138", "E139", "E140", "E323"),  # C++ programs and their losses
        *("E315", "E317", "E318", "E319", "E321", "E322"),
    }
    assert {c for c in explanations() if c[:2] in ("E0", "E1", "E2", "E3")} == codes | elsewhere


def front_end() -> list[Path]:
    return [
        path
        for stage in STAGES
        for path in (
            [PACKAGE / stage] if stage.endswith(".py") else (PACKAGE / stage).rglob("*.py")
        )
    ]


def test_every_call_site_has_a_code() -> None:
    """What is refused without a code can be looked up nowhere; each code is explained."""
    without, unknown = [], []
    for path in front_end():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in CALLS:
                continue
            code = next((k.value for k in node.keywords if k.arg == "code"), None)
            where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            if code is None:
                without.append(where)
            elif isinstance(code, ast.Constant) and code.value not in explanations():
                unknown.append(where)
    assert not without
    assert not unknown


def test_every_code_is_used() -> None:
    """An explanation of what can no longer happen misleads."""
    used = set()
    for path in PACKAGE.rglob("*.py"):
        used |= set(re.findall(r"\"([EW]\d{3})\"", path.read_text("utf-8")))
    assert set(explanations()) <= used | {"E400"}
