"""A platform's own pages: what is registered, its keys, its calls. Nothing of others, nobody's name."""

import json
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from broker.edge.answers import rows, unusable
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.errors import NotFound
from broker.settings import Mode
from broker.web.developer import calls, facts
from broker.web.filters import filter_of
from broker.web.log_rows import FilterForm, filter_query, older_query

blueprint = Blueprint("developer", __name__)
_NOT_ASKED = {"platform": None, "event": None}
"""Of the filter of all log rows, what this page does not ask."""


@blueprint.get("/developers/<platform_id>/overview")
def overview(platform_id: str) -> ResponseReturnValue:
    """Show the client: its state, its addresses, what it may ask for, and how many grants it has."""
    return render_template("developer/overview.html", **facts.of_platform(platform_id))


@blueprint.get("/developers/<platform_id>/keys")
def keys(platform_id: str) -> ResponseReturnValue:
    """Show the public keys of the client."""
    return render_template("developer/keys.html", **facts.of_keys(platform_id))


@blueprint.get("/developers/<platform_id>/calls")
def show_calls(platform_id: str) -> ResponseReturnValue:
    """Show the client's calls, newest first, with how each ended and why."""
    asked = filter_of(FilterForm(), request.args)
    wanted = {**asked.wanted, **_NOT_ASKED}
    if wants_json():
        found = calls.read(platform_id, wanted)
        return rows([calls.as_json(one) for one in found.calls], older_query(wanted, found.older))
    page = _calls(platform_id, wanted, asked.wrong)
    return unusable(page) if asked.wrong else page


def _calls(platform_id: str, wanted: dict[str, Any], wrong: dict[str, str]) -> str:
    """Show what fits; of a filter that cannot be used, the form alone."""
    found = calls.Found([], None) if wrong else calls.read(platform_id, wanted)
    told: dict[str, Any] = {
        "wrong": wrong,
        "wanted": wanted,
        "is_filtered": bool(filter_query(wanted)),
        "newest": filter_query(wanted) if wanted["before"] is not None else None,
        "older": older_query(wanted, found.older),
        "calls": found.calls,
    }
    return render_template("developer/calls.html", **told, **facts.of_filters(platform_id))


@blueprint.get("/developers/<platform_id>/try")
def try_it(platform_id: str) -> ResponseReturnValue:
    """Show how to get data of the sandbox's people with this client; elsewhere there are none."""
    settings = services().settings
    if settings.mode is not Mode.SANDBOX:
        raise NotFound("There are people to try it with in a sandbox only.")
    return render_template("developer/try.html", people=_people(), issuer=settings.base_url, **facts.named(platform_id))


def _people() -> list[dict[str, str]]:
    """Read the list that the sandbox keeps for this page; it has no passwords. Without a world it is empty."""
    try:
        told: list[dict[str, str]] = json.loads((services().settings.data_dir / "people.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return told
