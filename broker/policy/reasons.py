"""What a reason must look like that somebody gives for an act: people read it, on pages and in the log."""

from broker.errors import InvalidRequest


def readable(reason: str, longest: int) -> str:
    """Return a reason as it is kept: one line of visible characters, single spaces between the words.

    Raises:
        InvalidRequest: empty, longer than `longest` characters, or with characters that nobody sees.
    """
    words = " ".join(reason.split())
    if not words or not words.isprintable() or len(words) > longest:
        raise InvalidRequest(f"A reason is needed, of at most {longest} visible characters.")
    return words
