"""What the language server takes for a keystroke in a file of 2,000 lines.

Run: python tests/benchmarks/lsp.py
"""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from measure import report, seconds

from archdsl.editor.completion import completions
from archdsl.editor.diagnostics import diagnostics
from archdsl.editor.document import Document
from archdsl.editor.files import Files
from archdsl.editor.hover import hover, inlay_hints

STAGE = """
// Stage {k}: a block of its own.
template <int N, int STRIDE, typename SUBNET>
using body{k} = batch_norm<con<N,3,3,1,1,padding=1,
    relu<batch_norm<con<N,3,3,STRIDE,STRIDE,padding=1,
    SUBNET>>>>>;
template <int N, typename SUBNET>
using block{k} = relu<residual<body{k}<N,1>, SUBNET>>;
"""
STAGES = 180


def long_text() -> str:
    """180 stages of eight lines, and one expression of 560 lines that uses them all."""
    lines = [f"    block{k}<16,\n    relu<con<16,3,3,1,1,padding=1," for k in range(STAGES)]
    lines += ["    con<16,1,1,1,1,"] * 200
    closers = ">" * (3 * STAGES + 200 + 1)
    net = "using net_type =\n    fc<10,\n{}\n    input<3,32,32>{};\n".format(
        "\n".join(lines), closers
    )
    return "".join(STAGE.format(k=k) for k in range(STAGES)) + net


def keystrokes(document: Document, text: str, at: str, typed: str) -> float:
    """The shortest time from a changed text to its diagnostics, in milliseconds.

    What the machine does besides only ever makes it longer. Every other keystroke takes back what
    the one before it typed, so of each two neighbours the slower one counts.
    """
    other = text.replace(at, at + typed, 1)
    assert other != text

    def press(version: str) -> None:
        document.change(version)
        diagnostics(document)

    def pair() -> float:
        return max(seconds(lambda v=v: press(v)) for v in (other, text))

    return 1000 * min(pair() for _ in range(8))


def main() -> None:
    text = long_text()
    path = Path("long.arch").resolve()
    document = Document(Files(), path.as_uri(), path, text)
    assert all(d.severity is not types.DiagnosticSeverity.Error for d in diagnostics(document))
    lines = f"{text.count(chr(10)):,} lines"
    cases = {
        "a space in a template": ("residual<", " "),
        "a space in the long expression": ("block90<16,", " "),
        "an error in a template": ("residual<", ","),
        "an error in the long expression": ("block90<16,", ","),
        "a shape that does not fit": ("block90<1", "7"),
    }
    for name, (at, typed) in cases.items():
        report(f"{lines}, ms to diagnostics: {name}", keystrokes(document, text, at, typed), 200)
    offset = text.index("block90<16,")
    requests = {
        "hover": lambda: hover(document, offset),
        "completion": lambda: completions(document, offset + len("block90<16,")),
        "hints": lambda: inlay_hints(document, 0, len(text)),
    }
    for name, ask in requests.items():
        taken = []
        for _ in range(5):
            document.change(text + " ")
            diagnostics(document)
            taken.append(1000 * seconds(ask))
        report(f"{lines}, ms to {name} behind a keystroke", min(taken), 200)


if __name__ == "__main__":
    main()
