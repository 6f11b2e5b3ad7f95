"""`broker worker`: what happens later: expiry is recorded, banks are told, what is old is forgotten."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click
import structlog
from sqlalchemy.orm import Session

from broker.app import build_pusher, build_services, build_submission
from broker.audit.pushing import Pusher, Rounds
from broker.audit.retention import close_finished_years
from broker.audit.witnesses import configured_witnesses
from broker.banks.connector import Credential
from broker.cli.serving.policies import PoliciesInUse
from broker.edge.services import Services
from broker.edge.session import forget_old_sessions
from broker.errors import BrokerError, LogUnavailable
from broker.events import outbox
from broker.events.retention import forget_old_deliveries
from broker.grants.acts import PlatformActor
from broker.grants.expiry import record_expiry
from broker.grants.reader import has_live_grant, live_grants_of
from broker.grants.reads import forget_old_reads
from broker.grants.reminders import remind
from broker.grants.spreading import spread
from broker.grants.suspensions import tell_suspended
from broker.harvest.tallies import forget_long_silent
from broker.notices.inbox import forget_old_notices
from broker.notices.mailing import Mailing
from broker.notices.marks import forget_old_marks
from broker.oauth.requests import forget_old_requests
from broker.platforms.initial_tokens import forget_unused
from broker.release.counting import recount_stalest
from broker.settings import load_settings
from broker.storage.schema import check_revision
from broker.storage.shred import empty_write_ahead_log
from broker.storage.single_use import forget_expired
from broker.storage.words import Bell, Listener
from broker.telemetry import begin_context, configure_logging
from broker.tokens.codes import forget_old_codes
from broker.tokens.leaving import end_tokens
from broker.tokens.machine import forget_old_machine_tokens
from broker.tokens.service import forget_old_tokens

_PAUSE_S = 2.0
_MOST_A_ROUND = 100
_LAST_EVENTS_S = 3.0
_FORGETTING = (
    forget_expired,
    forget_old_sessions,
    forget_old_requests,
    forget_old_codes,
    forget_old_tokens,
    forget_old_machine_tokens,
    forget_unused,
    forget_old_reads,
    forget_long_silent,
    forget_old_deliveries,
    forget_old_notices,
    forget_old_marks,
)
_log = structlog.get_logger(__name__)


@click.command()
def worker() -> None:
    """Work through what is due, again and again, until stopped."""
    settings = load_settings()
    configure_logging(settings.log_level)
    services = build_services(settings)
    services.database.check_durability()
    check_revision(services.database)
    policies = PoliciesInUse(settings, services.catalogue, tells=False)
    stopping, hung_up = threading.Event(), threading.Event()
    own_bell, events_bell = Bell(), Bell()
    signal.signal(signal.SIGHUP, lambda *_: hung_up.set())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(stopping, own_bell, events_bell))
    _start_pushing(services, stopping)
    events = _start_events(services, stopping, events_bell)
    listener = Listener(services.database, (own_bell, events_bell))
    threading.Thread(target=listener.run, args=[stopping], name="words", daemon=True).start()
    _start_mailing(services, stopping)
    while not stopping.is_set():
        if hung_up.is_set():
            hung_up.clear()
            services = _by_other_policies(services, policies)
        try:
            run_once(services, stopping)
        except BrokerError as error:
            # A database that is away comes back; what was due is due still.
            _log.warning("worker.round_failed", code=error.code)
        if not stopping.is_set():
            own_bell.sleep(_PAUSE_S)
    events.join(_LAST_EVENTS_S)


def _stop(stopping: threading.Event, *bells: Bell) -> None:
    stopping.set()
    for bell in bells:
        bell.ring()


def _by_other_policies(services: Services, policies: PoliciesInUse) -> Services:
    """Return services that judge by the files as they are now; the same ones when those cannot be used."""
    if not policies.renew():
        return services
    services.close()
    return build_services(services.settings, catalogue=policies.catalogue)


def _start_pushing(services: Services, stopping: threading.Event) -> None:
    """Push checkpoints beside the worker's own tasks, a thread for each witness."""
    submission = build_submission(services.settings, services.database, services.log_keys)
    rounds = Rounds()
    for witness in configured_witnesses(services.settings).members:
        pusher = Pusher(submission, witness, rounds=rounds)
        # A daemon: the end of the worker waits for no machine. What was not kept is pushed again by the next one.
        threading.Thread(target=pusher.run, args=[stopping], name="witness", daemon=True).start()


def _start_events(services: Services, stopping: threading.Event, bell: Bell) -> threading.Thread:
    """Push events beside the worker's own tasks."""
    # A daemon too: what it could not write down in time another worker sends again, once its lease has run out.
    pushing = threading.Thread(target=build_pusher(services).run, args=[stopping, bell], name="events", daemon=True)
    pushing.start()
    return pushing


def _start_mailing(services: Services, stopping: threading.Event) -> None:
    """Send mails beside the worker's own tasks: a mail server that hangs keeps nothing else waiting."""
    if services.mailing is not None:
        run = partial(_keep_mailing, services.mailing, stopping)
        threading.Thread(target=run, name="mail", daemon=True).start()


def _keep_mailing(mailing: Mailing, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            mailing.send_due(stopping.is_set)
        except BrokerError as error:
            _log.warning("worker.round_failed", code=error.code)
        stopping.wait(_PAUSE_S)


def run_once(services: Services, stopping: threading.Event | None = None, *, most: int = _MOST_A_ROUND) -> None:
    """Do what is due now, of each kind so much at most, or as much of it as there is time for until `stopping`.

    What is left is for the next round: very many people to be told of a switch keep nothing else from being done.

    Raises:
        StorageUnavailable: or LogUnavailable; nothing is lost, the next round tries again.
    """
    with services.database.read() as session:
        overdue = services.grant_reader.overdue(session, services.clock())
    for grant_id in overdue:
        with _without_its_log():
            record_expiry(services.sequencer, services.clock, grant_id)
    for _ in range(most):
        if (stopping and stopping.is_set()) or (task := _next_task(services)) is None:
            break
        _work(services, task)
    begin_context()
    for _ in range(most):
        if (stopping and stopping.is_set()) or not recount_stalest(services.database, services.clock()):
            break
    _tell_people(services, stopping, most)
    with _without_its_log():
        for log in close_finished_years(services.sequencer, services.clock()):
            _log.info("worker.log_closed", log=log)
    with services.database.write() as session:
        # Memory lasts by the real time. Proofs and assertions are judged by it, so none can come back; and a token of a
        # sandbox that was put forward by a month is still known, so that its platform learns why it has ended.
        now = services.wall()
        for forget in _FORGETTING:
            forget(session, now)


def _tell_people(services: Services, stopping: threading.Event | None, most: int) -> None:
    """Write the notices of what concerns many, and of what time brings, some hundreds at a time."""
    for tell in (spread, remind):
        for _ in range(most):
            if stopping and stopping.is_set():
                break
            with services.database.write() as session:
                is_more = tell(session, services.clock())
            if not is_more:
                break


@contextmanager
def _without_its_log() -> Iterator[None]:
    """Go on with what belongs to other banks when the witnesses do not let one bank's log be written."""
    try:
        yield
    except LogUnavailable as error:
        if error.code == LogUnavailable.code:  # the database: the whole round fails
            raise
        _log.warning("worker.round_failed", code=error.code)


def _next_task(services: Services) -> outbox.Task | None:
    return services.database.change(lambda session: outbox.lease(session, services.clock()))


def _work(services: Services, task: outbox.Task) -> None:
    begin_context(task_id=task.id)
    try:
        _TASKS[task.kind](services, task)
    except BrokerError as error:
        _log.warning("worker.task_failed", task=task.kind.value, attempts=task.attempts, code=error.code)
        with services.database.write() as session:
            if task.is_hopeless and task.kind is outbox.TaskKind.BANK_END:
                _forget_credential(services, session, task)
                outbox.finish(session, task)
            else:
                outbox.put_off(session, task, services.clock())
    else:
        services.database.change(lambda session: outbox.finish(session, task))


def _forget_credential(services: Services, session: Session, task: outbox.Task) -> None:
    """Drop what the bank would not let us revoke: after three days, better a forgotten token than a kept one."""
    user_id, bank_id = task.payload["user_id"], task.payload["bank_id"]
    identity = services.users.at_bank(session, user_id, bank_id)
    if identity is not None and identity.credential is not None and identity.signed_in_at <= task.created_at:
        services.users.replace_credential(session, user_id, bank_id, old=identity.credential, new=None)


def end_at_bank(services: Services, task: outbox.Task) -> None:
    """Revoke our tokens at the bank, unless the person has begun anew there since."""
    user_id, bank_id = task.payload["user_id"], task.payload["bank_id"]
    with services.database.read() as session:
        identity = services.users.at_bank(session, user_id, bank_id)
        if has_live_grant(session, user_id, bank_id, services.clock()):
            return
    if identity is None or identity.credential is None or identity.signed_in_at > task.created_at:
        return
    old = identity.credential
    services.release.connector(bank_id).end(Credential.load(old))
    services.database.change(
        lambda session: services.users.replace_credential(session, user_id, bank_id, old=old, new=None)
    )


def end_platform(services: Services, task: outbox.Task) -> None:
    """End the grants of a removed platform, and what tokens may have come about while it was being removed."""
    platform_id = task.payload["platform_id"]
    with services.database.write() as session:
        end_tokens(session, platform_id, services.clock())
    with services.database.read() as session:
        grants = live_grants_of(session, platform_id)
    for grant_id in grants:
        services.grants.give_back(PlatformActor(platform_id, task.id), grant_id, reason="platform-removed")


def end_customer(services: Services, task: outbox.Task) -> None:
    """Forget what was left of a closed account; after three days even what the bank would not let us revoke."""
    try:
        end_at_bank(services, task)
    except BrokerError:
        if not task.is_hopeless:
            raise
    services.closing.finish(task.payload["user_id"], task.payload["bank_id"])
    empty_write_ahead_log(services.database)  # while somebody reads it, it is written over as it goes on


def tell_of_switch(services: Services, task: outbox.Task) -> None:
    """Announce which grants a switch has suspended or restored, some of them; the rest is the next task."""
    now = services.clock()
    with services.database.write() as session:
        after = tell_suspended(session, task.payload, now)
        if after is not None:
            outbox.put(session, task.kind, {**task.payload, "after": after}, now)


_TASKS = {
    outbox.TaskKind.BANK_END: end_at_bank,
    outbox.TaskKind.PLATFORM_END: end_platform,
    outbox.TaskKind.CUSTOMER_END: end_customer,
    outbox.TaskKind.SWITCH_FLIPPED: tell_of_switch,
}
