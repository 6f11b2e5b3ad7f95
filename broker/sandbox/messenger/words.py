"""The broker's names for categories and steps, in the words of the chat."""

CATEGORIES = {
    "accounts": "your account names",
    "balances": "balances",
    "transactions": "transactions",
    "card_locations": "where your cards were used",
    "balance_answers": "yes or no about your balance",
    "location_answers": "yes or no about where your cards were used",
    "fraud_alerts": "fraud alerts",
}

ACCOUNT_KINDS = {
    "TRANS_AND_SAVINGS_ACCOUNTS": "Current or savings account",
    "CRED_AND_CHRG_CARDS": "Card",
}
"""The account types of the Consumer Data Standards that banks here have."""

STEPS = {
    "basic": "date, amount and kind",
    "detail": "with merchants",
    "country": "the country only",
    "town": "the town, not the street",
    "postcode_area": "the postcode area",
    "exact": "the exact place",
}
