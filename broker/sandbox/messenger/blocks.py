"""What a message is made of: small blocks that the page knows how to draw, kept as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from .receipts import Receipt

Block = dict[str, Any]


def text(words: str) -> Block:
    """Say something."""
    return {"kind": "text", "text": words}


def facts(title: str, rows: Sequence[tuple[str, str, str]], note: str = "") -> Block:
    """List facts: each with a label, a value and a remark that may be empty."""
    return {"kind": "facts", "title": title, "rows": [list(row) for row in rows], "note": note}


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Block:
    """Show a table; the last column holds numbers."""
    return {"kind": "table", "title": title, "head": list(head), "rows": [list(row) for row in rows], "note": note}


def refusal(words: str, code: str) -> Block:
    """Tell that something was refused, with its code and the way to the person's dashboard."""
    return {"kind": "refusal", "text": words, "code": code}


def trouble(words: str, code: str) -> Block:
    """Tell that something did not work, which the person did not decide."""
    return {"kind": "trouble", "text": words, "code": code}


def offer() -> Block:
    """Offer to connect a bank."""
    return {"kind": "offer"}


def dashboard(words: str) -> Block:
    """Say something, followed by the way to the person's dashboard."""
    return {"kind": "dashboard", "text": words}


def receipts(kept: Sequence[Receipt]) -> Block:
    """Say that receipts were kept, and of which entries of which log."""
    return {"kind": "receipts", "places": [f"{each.log}, entry {each.number}" for each in kept]}


def notice(words: str, *, leads_to_sharing: bool = False) -> Block:
    """Tell what has happened to a permission, if wanted with the way to the person's dashboard."""
    return {"kind": "notice", "text": words, "leads_to_sharing": leads_to_sharing}


def redacted(words: str) -> Block:
    """Stand where an answer stood that is deleted."""
    return {"kind": "redacted", "text": words}


def alert(bank: str, rows: Sequence[tuple[str, str, str]], where: Mapping[str, str], at: str) -> Block:
    """Show a bank's warning and ask whether it was the person. `where` is its place in the API's words."""
    return {"kind": "alert", "bank": bank, "rows": [list(row) for row in rows], "where": dict(where), "at": at}
