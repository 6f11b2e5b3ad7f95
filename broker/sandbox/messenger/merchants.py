"""Merchant category codes (ISO 18245) as a few everyday words."""

RANGES: tuple[tuple[int, int, str], ...] = (
    (742, 742, "Pets"),
    (3000, 3350, "Travel"),
    (3351, 3500, "Travel"),
    (3501, 3999, "Hotels"),
    (4111, 4131, "Getting around"),
    (4411, 4582, "Travel"),
    (4722, 4723, "Travel"),
    (4784, 4789, "Getting around"),
    (4812, 4900, "Bills"),
    (5122, 5122, "Health"),
    (5411, 5499, "Groceries"),
    (5541, 5542, "Fuel"),
    (5811, 5814, "Eating and drinking"),
    (5912, 5912, "Health"),
    (5200, 5999, "Shopping"),
    (6010, 6011, "Cash"),
    (6012, 6540, "Money and insurance"),
    (7011, 7033, "Hotels"),
    (7512, 7524, "Getting around"),
    (7800, 7999, "Leisure"),
    (8011, 8099, "Health"),
    (8211, 8299, "Learning"),
)
"""First and last code of a range, and its words. An earlier range wins over a later one."""

KINDS = {
    "DIRECT_DEBIT": "Direct debits",
    "FEE": "Fees",
    "INTEREST_CHARGED": "Interest",
    "INTEREST_PAID": "Interest",
    "TRANSFER_INCOMING": "Transfers in",
    "TRANSFER_OUTGOING": "Transfers out",
    "PAYMENT": "Payments",
}
"""Words for a transaction that names no merchant category."""


def in_words(merchant_category: str | None, kind: str) -> str:
    """Say what a transaction was for, by its merchant category, else by its type."""
    if merchant_category is not None and merchant_category.isdecimal():
        code = int(merchant_category)
        for first, last, words in RANGES:
            if first <= code <= last:
                return words
        return "Other shops and services"
    return KINDS.get(kind, "Other")
