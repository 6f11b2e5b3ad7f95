"""The broker's names for categories and steps, in the words of the chat."""

CATEGORIES = {
    "accounts": "your accounts",
    "balances": "balances",
    "transactions": "transactions",
    "card_locations": "card locations",
}

STEPS = {
    "basic": "date, amount and kind",
    "detail": "with merchants",
    "country": "the country only",
    "town": "the town, not the street",
    "postcode_area": "the postcode area",
    "exact": "the exact place",
}
