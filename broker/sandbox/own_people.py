"""Somebody's own people in a world: kept in each bank's folder, where the running bank finds them by itself.

Trusted: whoever can write a bank's folder can invent customers of that bank and read their passwords.
"""

import fcntl
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from broker.errors import ConfigurationInvalid, InvalidRequest
from broker.sandbox.layout import Layout
from broker.sandbox.people.own_fields import Fault, PeopleRefused
from broker.sandbox.people.own_people import LARGEST_BYTES, OwnPerson, people_in
from broker.sandbox.people.roster import personas_of
from broker.sandbox.private_files import write_private


@dataclass(frozen=True, slots=True)
class Loaded:
    """One person of the file, with the password that the bank asks for."""

    bank: str
    username: str
    password: str
    name: str


def loaded(layout: Layout, bank_id: str) -> list[Loaded]:
    """Return the people loaded into one bank so far.

    Raises:
        ConfigurationInvalid: the bank's file was damaged.
    """
    return [_loaded(row) for row in _rows(_file(layout, bank_id))]


def load(layout: Layout, file: Path, now: datetime, password: Callable[[], str]) -> list[Loaded]:
    """Bring the people of a file into the world and return them; whoever was loaded before is replaced.

    A person who is replaced keeps the password, and keeps identifiers too: grants go on with the new data. `password`
    makes a new one. The running banks see the people with their next request, a world that starts later at its start.

    Raises:
        InvalidRequest: with the place in the file; nothing of it was taken.
        ConfigurationInvalid: the world's folder cannot be read or written.
    """
    try:
        people = people_in(_content(file), now)
        _refuse_taken(people)
    except PeopleRefused as error:
        place = error.place or "/"
        raise InvalidRequest(f"{file.name} at {place}: {error.message} ({error.fault}).", code=error.fault) from error
    try:
        layout.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Says that the folder is a world's, so that it may be cleaned away even if none ever ran.
        (layout.data_dir / "world.lock").touch()
        with (layout.data_dir / "people.lock").open("w", encoding="ascii") as lock:
            # Two loads at once must both count.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return [one for bank in layout.banks for one in _merge(layout, bank.id, people, now, password)]
    except OSError as error:
        raise ConfigurationInvalid(f"The folder {layout.data_dir} cannot be written: {error.strerror}.") from error


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise PeopleRefused(Fault.UNREADABLE, "", f"the file cannot be read: {error.strerror}") from error


def _refuse_taken(people: list[tuple[OwnPerson, dict[str, Any]]]) -> None:
    for number, (person, _) in enumerate(people):
        names = {persona.username for persona in personas_of(person.bank)}
        if person.username in names or person.username.startswith(f"{person.bank}-"):
            place = f"/people/{number}/username"
            raise PeopleRefused(Fault.USERNAME_TAKEN, place, "somebody of the sandbox has this username already")


def _merge(
    layout: Layout,
    bank_id: str,
    people: list[tuple[OwnPerson, dict[str, Any]]],
    now: datetime,
    password: Callable[[], str],
) -> list[Loaded]:
    path = _file(layout, bank_id)
    rows = {row["person"]["username"]: row for row in _rows(path)}
    found: list[Loaded] = []
    for person, written in people:
        if person.bank == bank_id:
            former = rows.get(person.username)
            secret = former["password"] if former is not None else password()
            rows[person.username] = {"loaded_at": now.isoformat(), "password": secret, "person": written}
            found.append(_loaded(rows[person.username]))
    if found:
        write_private(path, list(rows.values()))
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        [_loaded(row) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigurationInvalid(f"{path} was damaged; start over with `broker sandbox clean`.") from error
    return rows


def _loaded(row: dict[str, Any]) -> Loaded:
    person = row["person"]
    return Loaded(person["bank"], person["username"], row["password"], person["name"])


def _file(layout: Layout, bank_id: str) -> Path:
    return layout.folder(bank_id) / "people.json"
