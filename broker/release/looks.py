"""Shows a person again what an app sees of one category of a grant that lives: fetched anew, cut alike.

Trusted: what was released is kept nowhere, so this is what the bank gives now for the same question, and no platform's
read. It goes the way of every preview (`showing`).
"""

from dataclasses import replace
from typing import Final

from sqlalchemy.orm import Session

from broker.banks.facts import in_force
from broker.errors import NotFound, ReleaseRefused
from broker.grants.acts import Actor
from broker.grants.consents import Asker, decide_now, left_now
from broker.grants.views import Grant
from broker.platforms.service import find as find_platform
from broker.policy import Decision
from broker.policy.minimise import Record
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.release.asking import Wanted
from broker.release.cut import minimised, window_of
from broker.release.service import Release
from broker.release.showing import MOST_A_DAY, Ready, ask_bank

_ENDPOINT: Final = "POST /history/map"
_WAITING: Final = "This permission was not given yet."


class Looks:
    """Fetches what an app would get now, for the person alone."""

    def __init__(self, release: Release, most_a_day: int = MOST_A_DAY) -> None:
        self._release = release
        self._most_a_day = most_a_day

    def at(self, actor: Actor, grant_id: str, category: str) -> list[Record]:
        """Return all records of one category as the grant lets them out, minimised. A pause does not matter here.

        Raises:
            NotFound: there is no such grant, or it is somebody else's.
            ReleaseRefused: the grant has ended, or does not name the category any more.
            PolicyRefused: policies or switches do not allow it; that is logged.
            FrequencyExceeded: the person has looked as often as one day allows.
            BankUnavailable: or one of its kinds; the failure is logged.
            LogUnavailable: it could not be announced, so the bank was not asked (invariant 2).
        """
        ready = self._ready(actor, grant_id, category)
        records = ask_bank(self._release, actor, ready, self._most_a_day)
        return minimised(self._release.catalogue, ready.grant, ready.wanted, records, ready.window)

    def _ready(self, actor: Actor, grant_id: str, category: str) -> Ready:
        release, now = self._release, self._release.clock()
        with release.database.read() as session:
            grant = release.reader.find(session, grant_id, now)
            if grant is None or grant.user_id != actor.user_id:
                raise NotFound
            term = _term(grant, category)
            decision = self._decision(session, grant, term)
            identity = release.users.at_bank(session, actor.user_id, grant.bank_id)
            bank = in_force(session, release.catalogue, grant.bank_id).bank
        wanted = Wanted(category)
        return Ready(grant, wanted, window_of(grant, bank, wanted, now), decision, identity, now, _ENDPOINT)

    def _decision(self, session: Session, grant: Grant, term: CategoryTerm) -> Decision:
        """Ask the policies about this category alone: another one may be forbidden by now."""
        platform = find_platform(session, grant.platform_id)
        scopes, purposes = (platform.scopes, platform.purposes) if platform else ((), ())
        asker = Asker(grant.platform_id, frozenset(purposes), frozenset(scopes))
        catalogue = self._release.catalogue
        # Where the bank has lowered a ceiling since then, a release keeps to it, and so does this.
        terms = left_now(session, catalogue, _only(grant.terms, term), grant.bank_id)
        return decide_now(session, catalogue, asker, terms, grant.bank_id)


def _term(grant: Grant, category: str) -> CategoryTerm:
    """Return what the living grant says of the category.

    Raises:
        ReleaseRefused: it is not given yet, has ended, or says nothing of it any more.
    """
    if grant.status is GrantStatus.AWAITING_AUTHORISATION:
        raise ReleaseRefused(_WAITING)
    if grant.status.is_final:
        raise ReleaseRefused("This permission has ended.", code=f"grant-{grant.status.value.lower()}")
    found = grant.category(category)
    if found is None or found.state is ClusterState.REVOKED:
        raise ReleaseRefused
    return found.term


def _only(terms: Terms, term: CategoryTerm) -> Terms:
    return replace(terms, categories=(term,))
