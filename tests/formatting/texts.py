"""Random specs that load, and the same specs as someone in a hurry would type them."""

import re

from hypothesis import strategies as st

TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|#include[^\n]*|\d+(?:\.\d*)?(?:e-?\d+)?|[A-Za-z_]\w*|==|!=|<=|>=|&&|\|\||\S",
    re.DOTALL,
)
# What can stand between any two tokens; a line comment always ends its line.
SPACES = st.sampled_from(["", " ", "  ", "\t", "\n", "\n\n\n", " \n      ", "\n" + " " * 70])
COMMENTS = st.sampled_from(
    ["// a<b, c>", "//", "// é 网络 \u2028 ;", "/* > */", "/* 1\n     2 */", "/**/", "// \t "]
)
NAMES = ("alpha", "beta_block", "a_name_so_long_that_it_takes_half_of_a_line_by_itself", "d", "e")


def tokens(text: str) -> list[str]:
    """What must not change: tokens and comments, whitespace at the ends of comment lines aside."""
    found = TOKEN.findall(text.replace("\r\n", "\n"))
    return ["\n".join(line.rstrip() for line in token.split("\n")) for token in found]


def bare_tokens(text: str) -> list[str]:
    """The tokens without the comments."""
    return [token for token in tokens(text) if not token.startswith(("//", "/*"))]


@st.composite
def blocks(draw: st.DrawFn, depth: int, names: tuple[str, ...]) -> str:
    """A block: layers without a subnet, each of which keeps the size and has 4 channels."""
    inner = blocks(depth - 1, names) if depth else st.just("relu")
    kind = draw(st.integers(0, 8))
    if kind < 3 or not depth:
        return draw(
            st.sampled_from(["relu", "con<4,3,3,1,1>", "con<2*2, 5,5, 1,1,bias=false>", *names])
        )
    if kind == 3:
        return f"relu<con<4,3,3,1,1,{applied(draw(inner))}>>"
    if kind == 4:
        return f"repeat<{draw(st.integers(1, 3))}, {draw(inner)}>"
    if kind == 5:
        return f"residual<{draw(inner)}, {draw(inner)}>"
    if kind == 6:
        return f"con<4,1,1,1,1,parallel<{draw(inner)},{draw(inner)}, {draw(inner)}>>"
    if kind == 7:
        return f"when<{draw(st.sampled_from(['n == 3', 'n >= 2 && !flag', 'true']))},{draw(inner)}>"
    return f"compose<{draw(inner)}, {draw(inner)},{draw(inner)}>"


def applied(block: str) -> str:
    """A block as the last argument of another layer, where a bare name would be the subnet."""
    return f"compose<{block}, identity>"


@st.composite
def networks(draw: st.DrawFn) -> str:
    """A spec with constants, templates and a network of them, spaced in some way."""
    text = "param int n = 3; const bool flag = n - 1 >= 2;\n"
    known: tuple[str, ...] = ()
    for name in NAMES[: draw(st.integers(0, len(NAMES)))]:
        block = draw(blocks(2, known))
        head = draw(st.sampled_from(["template <typename SUBNET>", ""]))
        body = f"compose<{block}, SUBNET>" if head else block
        text += f"{head} using {name} = {body};\n"
        known += (name,)
    layers = draw(st.lists(blocks(2, known), min_size=1, max_size=8))
    network = "input<4,8,8>"
    for layer in layers:
        around = layer.startswith(("con<4,3,3,1,1>", "repeat<", "residual<", "when<", "compose<"))
        network = f"{layer[:-1]}, {network}>" if around else f"compose<{layer}, {network}>"
    return text + draw(st.sampled_from(["using net_type = {};", "{}", "{};"])).format(network)


@st.composite
def disordered(draw: st.DrawFn, text: str) -> str:
    """The text with other whitespace between its tokens, and with comments."""
    parts: list[str] = []
    before = ""
    for token in tokens(text):
        if token.startswith("#"):
            parts.append("\n" + token + "\n")
            before = ""
            continue
        space = draw(SPACES)
        if draw(st.integers(0, 11)) == 0 and not (before.isidentifier() and token == "<"):
            comment = draw(COMMENTS)
            space += comment + ("\n" if comment.startswith("//") else "") + draw(SPACES)
        if re.match(r"\w", token) and re.search(r"\w$", before) and not re.search(r"\s|\*/", space):
            space = " "
        parts += [space, token]
        before = token
    return "".join(parts)
