"""`broker platform remove` and `rotate-registration`: ends a client, or what it looks after itself with."""

import click

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.cli.audit.database import own_broker
from broker.crypto.digests import new_secret
from broker.platforms.models import PlatformRow
from broker.platforms.registration_tokens import PREFIX, entrust
from broker.tokens.leaving import remove_platform


@click.command()
@click.argument("platform_id")
def remove(platform_id: str) -> None:
    """Remove a platform for good: its tokens end now, its grants as soon as a worker runs."""
    with own_broker() as base, base.sequencer.transaction([None], from_reserve=True) as transaction:
        remove_platform(transaction, platform_id, Initiator.DATA_ACCESS_PLATFORM, base.clock())
    click.echo(f"Removed {platform_id}. The worker ends its grants.")


@click.command("rotate-registration")
@click.argument("platform_id")
def rotate_registration(platform_id: str) -> None:
    """Make another registration token, by which a platform looks after itself, and print it, this once."""
    secret = new_secret(PREFIX)
    with own_broker() as base, base.sequencer.transaction([None]) as transaction:
        row = transaction.session.get(PlatformRow, platform_id)
        registered_by = None if row is None else row.registered_by
        entrust(transaction.session, platform_id, secret, registered_by=registered_by)
        transaction.append(Entry(Event.PLATFORM_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, platform_id=platform_id))
        url = f"{base.settings.base_url}/oauth/register/{platform_id}"
    click.echo(f"{url}\n{secret}")
