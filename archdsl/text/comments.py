"""Comments, which the language has as C++ has them."""

COMMENT = r"//[^\r\n]*|/\*[\s\S]*?(?:\*/|\Z)"
"""Pattern of a comment; one that never ends takes the rest of the text."""
