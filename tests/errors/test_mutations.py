"""Every bundled spec with one word changed: a syntax error is where the change is."""

from random import Random

from fuzz.formats import ARCH_WORDS
from fuzz.mutations import TOKEN, change_word

from archdsl.diagnostics import ArchError, Diagnostic
from archdsl.diagnostics.source import Source
from archdsl.frontend.bundled import spec_names, specs_folder
from archdsl.frontend.syntax.parser import parse

WORDS = (*"<>,;()=", "3", "-", "::", ".", *ARCH_WORDS)
SPECS = {name: (specs_folder() / f"{name}.arch").read_text("utf-8") for name in spec_names()}


def is_near(diagnostic: Diagnostic, line: int) -> bool:
    return diagnostic.span is not None and abs(diagnostic.span.position[0] - line) <= 1


def test_syntax_errors_are_found_where_they_are() -> None:
    """In nine cases of ten the first error is on the changed line or beside it."""
    random = Random(1)
    near = total = 0
    for _ in range(45):
        for name, spec in SPECS.items():
            parts = TOKEN.findall(spec)
            code = [i for i, part in enumerate(parts) if part.strip() and part[:2] != "//"]
            at = random.choice(code[:-1])
            line = 1 + "".join(parts[:at]).count("\n")
            change_word(random, parts, at, WORDS)
            try:
                parse(Source(name, "".join(parts)))
            except ArchError as error:
                total += 1
                near += is_near(error.diagnostics[0], line)
    assert total > 2000
    assert near >= 0.9 * total, f"{near} of {total}"
