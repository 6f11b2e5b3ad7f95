"""Holds the grants that a proof pack lists against the entries of their approval: what the person agreed to."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.receipts import Statement

_SETTING = frozenset({"grant.approved", "grant.amended"})
"""The events whose entries commit to a version of a grant."""
_SHOWN = ("terms", "notice")


class _Version(NamedTuple):
    statement: Statement
    details: Mapping[str, Any]


def check_grants(
    grants: Sequence[Any], statements: Mapping[str, Statement], disclosed: Mapping[str, Mapping[str, Any]]
) -> tuple[int, tuple[str, ...]]:
    """Return how many grants are as their entries disclose them, and the ids of those that nothing shows.

    Raises:
        Fault: a grant is listed with other terms, or another notice, than its entry commits to.
        Unreadable: a grant in the list has no id and version.
    """
    versions = _versions_of(statements, disclosed)
    proved, unproved = 0, []
    for row in grants:
        if not isinstance(row, dict) or type(row.get("id")) is not str or type(row.get("version")) is not int:
            raise Unreadable("A grant in the pack's pack.json has no id and version.")
        found = versions.get((row["id"], row["version"]))
        if found is None:
            unproved.append(row["id"])
            continue
        for name in _SHOWN:
            if row.get(name) != found.details[name]:
                detail = f"commits to another {name} of the grant {row['id']} than pack.json lists"
                raise Fault("grant-altered", detail, log=found.statement.log, number=found.statement.number)
        proved += 1
    return proved, tuple(unproved)


def _versions_of(
    statements: Mapping[str, Statement], disclosed: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[str, int], _Version]:
    """Return what is disclosed in full of each version of a grant."""
    found = {}
    for slug, statement in statements.items():
        grant, version = statement.fields.get("grant"), statement.fields.get("grantVersion")
        details = disclosed.get(slug, {})
        is_shown = all(name in details for name in _SHOWN)
        if statement.fields["event"] in _SETTING and is_shown and type(grant) is str and type(version) is int:
            found[grant, version] = _Version(statement, details)
    return found
