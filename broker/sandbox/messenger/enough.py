"""Answers "do I have at least 50?" with yes or no: how much there is, nobody learns (balance answers)."""

import re
from collections.abc import Sequence

from . import blocks, refusals
from .api import RefusedError
from .bank_data import BankData
from .blocks import Block
from .money import parse_amount, show_amount
from .records import BadAnswerError

CATEGORY = "balance_answers"
AMOUNTS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
"""The steps that the broker takes, as it publishes them."""
MOST_ACCOUNTS = 3
NUMBER = re.compile(r"\d[\d,]{0,9}(?:\.\d{1,2})?")
CURRENCIES = {
    "£": "GBP",
    "pound": "GBP",
    "gbp": "GBP",
    "€": "EUR",
    "euro": "EUR",
    "eur": "EUR",
    "$": "USD",
    "usd": "USD",
}
USUAL_CURRENCY = "GBP"


def answer(question: str, data: BankData, bank: str, platform: str) -> list[Block]:
    """Answer over one connection: account after account, until one says yes."""
    asked = _amount(question)
    if asked is None:
        steps = ", ".join(f"{amount:,}" for amount in AMOUNTS)
        return [blocks.text(f"I can ask about these amounts: {steps}. Ask me “Do I have at least 50?”, for example.")]
    try:
        refusals.check_rest(data.connection.standing, CATEGORY)
        return [_said(data, bank, asked, _accounts(question, data))]
    except RefusedError as error:
        return [refusals.tell(error, CATEGORY, bank, platform)]
    except BadAnswerError:
        return [refusals.tell(RefusedError("invalid-answer"), CATEGORY, bank, platform)]


def _amount(question: str) -> int | None:
    found = NUMBER.search(question)
    if found is None:
        return None
    amount = parse_amount(found[0].replace(",", ""))
    return int(amount) if amount in AMOUNTS else None


def _accounts(question: str, data: BankData) -> Sequence[tuple[str, str]]:
    """Return accounts with the currency to ask in: the one that is named, else the account's own."""
    words = question.casefold()
    named = next((currency for word, currency in CURRENCIES.items() if word in words), None)
    if named is None and data.connection.granted.has("accounts"):
        found = [(account.account_id, account.currency or USUAL_CURRENCY) for account in data.accounts()]
    else:
        found = [(account_id, named or USUAL_CURRENCY) for account_id in data.account_ids()]
    return found[:MOST_ACCOUNTS]


def _said(data: BankData, bank: str, amount: int, accounts: Sequence[tuple[str, str]]) -> Block:
    names, answers = data.known_names(), list[str]()
    for account_id, currency in accounts:
        answers.append(data.has_at_least(account_id, amount, currency))
        if answers[-1] == "yes":
            shown = show_amount(parse_amount(str(amount)), currency)
            return blocks.text(f"Yes. {names.get(account_id, 'An account')} at {bank} has at least {shown}.")
    shown = f"{amount:,}"
    if "no" in answers:
        return blocks.text(f"No. None of the accounts I asked about at {bank} has {shown} to spend.")
    asked = " or ".join(dict.fromkeys(currency for _, currency in accounts))
    return blocks.text(
        f"{bank} cannot say. I asked in {asked}: if your account is in another currency, name it, as in “Do I have at "
        f"least {shown} USD?”. Or the bank's figure is too old."
    )
