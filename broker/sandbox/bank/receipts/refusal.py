"""The one refusal of a receipt: each data API words it in its own standard, with the code in a header besides."""


class ReceiptRefused(Exception):
    """No data for this request; `code` says what is wrong with its receipt."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
