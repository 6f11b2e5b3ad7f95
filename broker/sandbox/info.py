"""The document of a running sandbox, as whoever asks for it reads it: for this no broker is imported."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from broker.errors import ConfigurationInvalid
from broker.sandbox.layout import Layout
from broker.sandbox.private_files import write_private
from broker.sandbox.processes import family, is_alive
from broker.sandbox.secret_files import Login


def read_info(path: Path) -> dict[str, Any]:
    """Read the document of a running world, with the process ids as they are now.

    Raises:
        ConfigurationInvalid: no sandbox runs on this data folder.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationInvalid("No sandbox runs here; start one with `make run`.") from error
    roots = {name: pids[0] for name, pids in document["processes"].items()}
    if not all(is_alive(pid) for pid in roots.values()):
        raise ConfigurationInvalid("The sandbox has stopped; start it with `make run`.")
    document["processes"] = {name: family(pid) for name, pid in roots.items()}
    return document


def refresh_users(layout: Layout, people: list[Login]) -> None:
    """Tell of people who were loaded while the world runs; without a world there is nothing to refresh."""
    try:
        document = json.loads(layout.info_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    write_private(layout.info_file, document | {"users": users_told(people)})
    write_private(layout.people_file, named_alone(users_told(people)))


def refresh_processes(layout: Layout, running: Mapping[str, int]) -> None:
    """Tell of the processes that run now, by their ids."""
    document = json.loads(layout.info_file.read_text(encoding="utf-8"))
    write_private(layout.info_file, document | {"processes": {name: [pid] for name, pid in running.items()}})


def users_told(people: list[Login]) -> list[dict[str, str]]:
    """Return the sign-ins of those who are no staff."""
    return [
        {"username": p.username, "password": p.password, "bank": p.bank, "name": p.name, "about": p.about}
        for p in people
        if p.role is None
    ]


def named_alone(users: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the same sign-ins without their passwords."""
    return [{name: value for name, value in one.items() if name != "password"} for one in users]
