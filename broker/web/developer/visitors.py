"""Who somebody of a platform is in a session, whichever way they came in."""

from broker.edge.visitor import Visitor
from broker.platforms.people import PlatformPerson

ROLE = "developer"


def visitor_of(person: PlatformPerson) -> Visitor:
    """Return the visitor that this person is."""
    return Visitor("", person.name, role=ROLE, platform_id=person.platform_id, person_id=person.id)
