"""What a person may mean: plain keywords, so that anybody can see why a sentence was understood or not."""

from enum import StrEnum


class Intent(StrEnum):
    """The questions Messenger has an answer for."""

    BALANCE = "balances"
    SPENDING = "spending"
    PLACES = "card_locations"
    ENOUGH = "balance_answers"
    USED_THERE = "location_answers"
    TRANSACTIONS = "transactions"
    ACCOUNTS = "accounts"
    CONNECT = "connect"


QUICK_REPLIES = (
    "What's my balance?",
    "What did I spend this week?",
    "Do I have at least 50?",
    "Where was my card used?",
    "Show my last transactions",
    "Show my accounts",
)

KEYWORDS: tuple[tuple[Intent, tuple[str, ...]], ...] = (
    (Intent.SPENDING, ("spend", "spent", "spending", "cost me", "this week")),
    (Intent.PLACES, ("where",)),
    (Intent.USED_THERE, ("used in",)),
    (Intent.ENOUGH, ("at least", "enough for")),
    (Intent.PLACES, ("place", "places", "location", "locations", "town", "towns", "country", "countries")),
    (Intent.TRANSACTIONS, ("transaction", "transactions", "payment", "payments", "purchases", "last bought", "pay")),
    (Intent.BALANCE, ("balance", "balances", "how much money", "how much do i have", "afford", "overdrawn")),
    (Intent.CONNECT, ("connect", "link", "add a bank", "another bank")),
    (Intent.ACCOUNTS, ("account", "accounts")),
)
"""In this order, since "where did I spend" and "balance of my account" hold the words of two."""


def understand(question: str) -> Intent | None:
    """Find what is meant, or None if no keyword is there as a whole word."""
    letters = "".join(character if character.isalnum() else " " for character in question.casefold())
    padded = f" {' '.join(letters.split())} "
    for intent, keywords in KEYWORDS:
        if any(f" {keyword} " in padded for keyword in keywords):
            return intent
    return None
