"""`broker audit`: looks at the logs, checks them, keeps copies; one module a noun."""

import click

from broker.cli.lazy import Lazy

_MODULES = {
    "close-years": "years:close_years",
    "credential": "credentials:credential",
    "drop": "years:drop",
    "export": "exports:export",
    "mirror": "mirrors:mirror",
    "tail": "tail",
    "verify": "verify",
    "verify-receipt": "receipts:verify_receipt",
}


@click.group(cls=Lazy, package="broker.cli.audit", modules=_MODULES)
def audit() -> None:
    """Look at the audit logs, check them, keep copies."""
