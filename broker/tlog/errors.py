"""The one refusal of this package: something does not verify, and why."""


class Unverifiable(ValueError):
    """What was given is malformed, or does not prove what it claims.

    `code` is stable and documented; `detail` is one sentence that names what is wrong and is safe to show.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
