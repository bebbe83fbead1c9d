"""The canonical style of ``.arch`` texts: text in, text out.

Formatting works on the tokens of a text and on the comments between them: nothing but
whitespace changes, unless more is asked for, since nothing else is ever written anew. What an
author says by lines and single spaces, that a row of a paper's table is a line and that two numbers
belong together, stays; what says nothing has one form.
"""

from __future__ import annotations

from archdsl.diagnostics.source import Source
from archdsl.frontend.format.closers import closed
from archdsl.frontend.format.document import document
from archdsl.frontend.syntax.parser import parse
from archdsl.text.pasted import repaired

_PASSES = 4  # two are enough for what people write


def formatted(source: Source, *, close: bool = False, fix: bool = False, flow: bool = False) -> str:
    """The text of a source in the canonical style.

    ``fix`` first undoes what a text suffers when it is pasted; ``close`` adds the ``>`` and ``;``
    that a text in the slides' notation leaves out; ``flow`` adds comments that list the layers of
    each network from its input to its output. Lines end as the first one does. Raises ArchError
    where the text has syntax errors.
    """
    line_end = "\r\n" if source.text.partition("\n")[0].endswith("\r") else "\n"
    text = source.text.replace("\r\n", "\n").replace("\r", "\n")
    if fix:
        text = repaired(text)
    if close:
        text = closed(text)
    parse(Source(source.name, text, source.path, source.root))
    for _ in range(_PASSES):
        text, settled = document(text, flow=flow)
        if settled:
            break
    return text.replace("\n", line_end)
