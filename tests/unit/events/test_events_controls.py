"""The negative controls of events: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_ANNOUNCING, _PUSHING = "tests/unit/events/test_announcing.py", "tests/unit/events/test_pushing.py"
_ROUTES, _SUSPENSIONS = "tests/unit/events/test_stream_routes.py", "tests/unit/events/test_suspensions.py"
_OWN_TRANSACTION = "with Session(session.get_bind()) as own, own.begin():\n        own.add(row)\n    return row.jti"
PLANTS = (
    # An event of a grant is sent although an earlier one still waits.
    Plant("broker/events/leases.py", "        first,\n    ]", "    ]", f"{_PUSHING}::before_the_earlier"),
    Plant("broker/events/leases.py", "        first,\n    ]", "    ]", f"{_PUSHING}::several_workers"),
    # An event is announced in a transaction of its own, or not at all.
    Plant(
        "broker/events/announcing.py",
        "session.add(row)\n    return row.jti",
        _OWN_TRANSACTION,
        f"{_ANNOUNCING}::rolled_back",
    ),
    Plant("broker/events/announcing.py", "    session.add(row)\n", "", _ANNOUNCING),
    Plant("broker/events/chains.py", "_CHAINS.c.last_sequence + 1", "_CHAINS.c.last_sequence + 2", _ANNOUNCING),
    Plant("broker/grants/announcing.py", " and for_platform:  # the", ":  # the", f"{_ANNOUNCING}::a_bank_is_told"),
    Plant("broker/grants/announcing.py", "_UNAPPROVED in entry.reasons", "False", f"{_ANNOUNCING}::expiry"),
    # A worker that comes back late overwrites what another does; two send the same.
    Plant("broker/events/outcomes.py", "row.leased_until == parcel.leased_until", "True", f"{_PUSHING}::comes_back"),
    Plant("broker/events/leases.py", "row.leased_until = now + LEASE", "row.leased_until = now", _PUSHING),
    # What a receiver says is believed too easily.
    Plant(
        "broker/events/sending.py", "if answer.status == _TAKEN:", "if answer.status < 300:", f"{_PUSHING}::only_202"
    ),
    Plant("broker/events/polling.py", "        EventDeliveryRow.sent_at.is_not(None),\n", "", f"{_ROUTES}::forged"),
    Plant("broker/events/polling.py", "        EventDeliveryRow.stream_id == stream_id,\n", "", f"{_ROUTES}::forged"),
    # Somebody else's stream, a private place, an open secret.
    Plant(
        "broker/events/streams.py",
        "EventStreamRow.id == stream_id, EventStreamRow.receiver == receiver",
        "EventStreamRow.id == stream_id",
        f"{_ROUTES}::nobody_sees",
    ),
    Plant("broker/events/streams.py", "_check_endpoint(wish.endpoint, allowed)", "pass", f"{_ROUTES}::private_places"),
    Plant(
        "broker/events/streams.py",
        "sealer.seal(wish.authorization.encode(), sealed_to(row.id))",
        "wish.authorization.encode()",
        f"{_ROUTES}::shown_to_nobody",
    ),
    Plant(
        "broker/events/letters.py",
        "query if receiver is None else query.where(_Row.receiver == receiver)\n    query = query if jtis",
        "query\n    query = query if jtis",
        "tests/unit/web/test_web_deliveries.py::nobody_sends",
    ),
    # A switch is told of twice, or never.
    Plant("broker/grants/suspensions.py", "    if off != told:", "    if not told:", _SUSPENSIONS),
    Plant("broker/grants/suspensions.py", "(told - off) & {_WHOLE, *_standing(row)}", "(told - off)", _SUSPENSIONS),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_events_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
