"""The scopes each standard's tokens can carry."""

from broker.sandbox.bank.config import Standard

IDENTITY = ("openid", "profile", "offline_access")
FDX_CUSTOMER = "fdx:customerpersonal:read"
FDX_ACCOUNTS = "fdx:accountdetailed:read"
FDX_TRANSACTIONS = "fdx:transactions:read"
OBIE_ACCOUNTS = "accounts"

_DATA = {
    Standard.FDX: (FDX_CUSTOMER, FDX_ACCOUNTS, FDX_TRANSACTIONS),
    Standard.OBIE: (OBIE_ACCOUNTS,),
}


def scopes_of(standard: Standard) -> tuple[str, ...]:
    """Return all scopes that a bank of this standard knows."""
    return IDENTITY + _DATA[standard]
