"""`broker audit`: looks at the logs, checks them, keeps copies, runs a witness; one module a noun."""

import click

from broker.cli.lazy import Lazy

_MODULES = {
    "close-years": "years:close_years",
    "credential": "credentials:credential",
    "drop": "years:drop",
    "erase": "erase",
    "export": "exports:export",
    "mirror": "mirrors:mirror",
    "recover": "recover",
    "tail": "tail",
    "verify": "verify",
    "verify-receipt": "receipts:verify_receipt",
    "witness": "witness",
}


@click.group(cls=Lazy, package="broker.cli.audit", modules=_MODULES)
def audit() -> None:
    """Look at the audit logs, check them, keep copies, run a witness."""
