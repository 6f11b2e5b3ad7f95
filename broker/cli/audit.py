"""`broker audit`: what there is to do with the logs."""

import click

from broker.cli.lazy import LazyGroup

_MODULES = {
    "close-years": "audit_years:close_years",
    "drop": "audit_years:drop",
    "erase": "audit_erase:erase",
    "recover": "audit_recover:recover",
    "tail": "audit_tail:tail",
    "witness": "audit_witness:witness",
}


@click.group(cls=LazyGroup, modules=_MODULES)
def audit() -> None:
    """Look at the audit logs, close and drop them, run a witness."""
