"""Bounds what Cedar is given to read: what is nested too deep would end the process instead of being refused."""

import re

from broker.errors import ConfigurationInvalid

LONGEST = 16_384
DEEPEST = 32
MOST_OPERATORS = 256
_PIECE = re.compile(
    r'//[^\n]*|"(?:[^"\\\n]|\\.)*"'  # comments and texts: nothing counts within
    r'|(?P<lone>")|(?P<open>[(\[{])|(?P<close>[)\]}])'
    r"|(?P<operator>\|\||&&|[=!<>]=|[-+*!.<>]|\b(?:has|if|in|is|like|unless|when)\b)",
    re.DOTALL,
)


def refuse_unbounded(where: str, text: str) -> None:
    """Look over one statement, or a schema, before Cedar does.

    Each operator counts, for a chain of them is nested too in the tree that Cedar makes.

    Raises:
        ConfigurationInvalid: it is too long, nested too deep, or a text does not end in its line.
    """
    if len(text) > LONGEST:
        raise ConfigurationInvalid(f"{where}: is longer than {LONGEST} characters")
    depth = operators = 0
    for piece in _PIECE.finditer(text):
        if piece["lone"]:  # Cedar would let it go on, and find brackets where this finds none
            raise ConfigurationInvalid(f"{where}: a text has no end in its line")
        depth = max(0, depth + (piece["open"] is not None) - (piece["close"] is not None))
        operators += piece["operator"] is not None
        if depth > DEEPEST:
            raise ConfigurationInvalid(f"{where}: is nested deeper than {DEEPEST} brackets")
        if operators > MOST_OPERATORS:
            raise ConfigurationInvalid(f"{where}: has more than {MOST_OPERATORS} operators; make several rules of it")
