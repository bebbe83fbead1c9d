"""The text of a spec from a sketch."""

from __future__ import annotations

from archdsl.elaborate.trampoline import Task, run
from archdsl.formatting import formatted
from archdsl.importing.sketch import Sketch
from archdsl.importing.spelling import spelled, value_text, values_of
from archdsl.importing.structure import Chain, Step, structured
from archdsl.layers.definition import Layer
from archdsl.printing import printable
from archdsl.source import Source

_NAMED_TAGS = 10


def written(sketch: Sketch) -> str:
    """The spec of a sketch, in the style of ``archdsl fmt``.

    Raises ArchError for a network that has several inputs, or outputs that no branch reaches.
    """
    chain = structured(sketch)
    notes = "".join(f"// {printable(note)}\n" for note in sketch.notes)
    body = run(_chain(chain))
    text = f"{notes}\nusing net_type = {body};\n"
    return formatted(Source("imported", text))


def _chain(chain: Chain) -> Task[str]:
    """A chain as an expression; a block where it does not begin with an input."""
    opened: list[str] = []
    for step in chain:
        opened.append((yield _step(step)))
    if not opened:
        return "identity"
    first = opened[0] + (">" if "<" in opened[0] else "")
    rest = [text + ("," if "<" in text else "<") for text in opened[1:]]
    return "\n".join([*reversed(rest), first]) + ">" * len(rest)


def _step(step: Step) -> Task[str]:
    """A layer or combinator without its subnet and its end."""
    if isinstance(step.what, Layer):
        values = values_of(step.what)
        texts = {name: value_text(value) for name, value in values.items()}
        return spelled(type(step.what), {k: [v] for k, v in values.items()}, texts)
    blocks: list[str] = []
    for block in step.blocks:
        blocks.append((yield _chain(block)))
    if step.what == "outputs":
        return f"outputs<{step.names[0]}={blocks[0]}"
    if step.tags:
        return _tagged(step.what, step.tags, step.names)
    return f"{step.what}<" + ",".join([*step.names, *blocks])


def _tagged(what: str, tags: tuple[int, ...], options: tuple[str, ...]) -> str:
    names = [tag_name(tag) for tag in tags]
    if what == "tag":
        return names[0]
    if what == "concat":
        return f"{'concat' + str(len(tags)) if len(tags) <= 5 else 'concat_tags'}<{','.join(names)}"
    if what == "resize_like":
        return f"resize_like<{','.join([*names, *options])}"
    if tags[0] <= _NAMED_TAGS:
        return f"{'scale' if what == 'scale_tagged' else what}{tags[0]}"
    return f"{'add_skip_layer' if what == 'skip' else what}<{names[0]}"


def tag_name(tag: int) -> str:
    """dlib has names for ten tags; a spec defines those of others."""
    return f"tag{tag}" if tag <= _NAMED_TAGS else f"t{tag}"
