"""`broker sandbox alert`: has a sandbox bank raise a fraud alert, as it would when a card is used oddly."""

from typing import Any

import click

from broker.cli.output import print_json, printable
from broker.errors import NotFound
from broker.sandbox.alerting import raise_alert
from broker.sandbox.info import read_info
from broker.sandbox.layout import layout_of
from broker.settings import enter_sandbox

_KINDS = click.Choice(["card_payment", "transfer", "sign_in", "other"])
_ACCEPTED = 202


@click.command()
@click.argument("person")
@click.option("--kind", type=_KINDS, default="card_payment", show_default=True, help="What the alert is about.")
@click.option("--amount", help="The amount, such as 84.20.")
@click.option("--merchant", help="The shop's name.")
@click.option("--country", help="Two letters, such as TR.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a sentence.")
def alert(
    person: str, *, kind: str, amount: str | None, merchant: str | None, country: str | None, as_json: bool
) -> None:
    """Have the bank of PERSON (a username) raise a fraud alert and tell the broker of it."""
    document = read_info(layout_of(enter_sandbox()).info_file)
    bank = _bank_of(document, person)
    said = {"kind": kind, "amount": amount, "merchantName": merchant, "country": country}
    told = raise_alert(
        bank["fraud_alerts_url"], {"username": person} | {name: text for name, text in said.items() if text is not None}
    )
    if as_json:
        print_json(told)
        return
    click.echo(f"{bank['name']} raised the alert {told['alertId']} for {printable(person)}.")
    answer = told["answer"]
    if told["status"] == _ACCEPTED:
        click.echo(f"Apps that were told: {answer.get('announced')}.")
    else:
        click.echo(f"The broker told nobody ({told['status']} {answer.get('code')}): {answer.get('detail')}")


def _bank_of(document: dict[str, Any], person: str) -> dict[str, Any]:
    for user in document["users"]:
        if user["username"] == person:
            found: dict[str, Any] = next(bank for bank in document["banks"] if bank["id"] == user["bank"])
            return found
    raise NotFound("Nobody in the sandbox has this username; `broker sandbox info` names them.")
