"""What counts of a grant at this moment: a bank may have limited since then what the person agreed to."""

from dataclasses import dataclass

from flask_babel import gettext

from broker.banks.facts import InForce
from broker.grants.views import Grant
from broker.policy import Catalogue
from broker.policy.questions import reads_a_day
from broker.policy.vocabulary import ClusterState
from broker.web.formats import counted, days


@dataclass(frozen=True, slots=True)
class Present:
    """A grant's figures as its bank holds to them now. `stopped` are the categories that the bank gives nobody now.

    `is_whole` says that the bank gives nothing of this grant. `limits` says in words what is less than was agreed.
    """

    lookback_days: int
    frequency_per_day: int
    stopped: frozenset[str]
    is_whole: bool
    limits: tuple[str, ...]


def present(grant: Grant, rules: InForce, catalogue: Catalogue) -> Present:
    """Return what counts of a grant under the facts of its bank in force."""
    terms, bank = grant.terms, rules.bank
    standing = [part.term.name for part in grant.categories if part.state is not ClusterState.REVOKED]
    is_off = bank is None or terms.purpose not in bank.purposes
    stopped = [name for name in standing if is_off or bank is None or name not in bank.categories]
    lookback = min(terms.lookback_days, bank.maximum_lookback_days) if bank else 0
    frequency = reads_a_day(rules.catalogue, terms.purpose, bank, terms.frequency_per_day)[1]
    limits = [gettext("nothing is shared for this purpose any more")] if is_off else []
    if not is_off:
        titles = [catalogue.categories[name].title if name in catalogue.categories else name for name in stopped]
        limits += [gettext("“%(title)s” is not shared any more", title=title) for title in titles]
    if 0 < lookback < terms.lookback_days:
        limits.append(
            gettext("it looks back %(now)s, not %(agreed)s", now=days(lookback), agreed=days(terms.lookback_days))
        )
    if 0 < frequency < terms.frequency_per_day:
        limits.append(
            gettext(
                "on its own up to %(now)s a day, not %(agreed)s",
                now=counted(frequency, "time"),
                agreed=terms.frequency_per_day,
            )
        )
    return Present(lookback, frequency, frozenset(stopped), is_off, tuple(limits))
