"""The titles of categories and purposes, as pages write them in the place of their codes: the Jinja filters."""

from flask.blueprints import BlueprintSetupState

from broker.edge.wording import spoken


def category_title(name: str | None) -> str:
    """Return what people call a category; one that the policies no longer name is shown by its code."""
    found = spoken().categories.get(name or "")
    return found.title if found else name or ""


def purpose_title(code: str | None) -> str:
    """Return what people call a purpose; one that the policies no longer name is shown by its code."""
    found = spoken().purposes.get(code or "")
    return found.title if found else code or ""


def register(state: BlueprintSetupState) -> None:
    """Give the filters to the application that mounts a blueprint."""
    state.app.jinja_env.filters.update({"category_title": category_title, "purpose_title": purpose_title})
