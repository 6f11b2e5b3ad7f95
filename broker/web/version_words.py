"""What lies between two versions of a permission, in words."""

from collections.abc import Iterator, Mapping

from flask_babel import gettext, ngettext

from broker.grants.versions import GrantVersion
from broker.policy import Catalogue
from broker.policy.difference import difference
from broker.web.formats import days, inside


def changed(before: GrantVersion, after: GrantVersion, catalogue: Catalogue) -> Iterator[str]:
    """Yield what the later version says that the earlier one did not."""
    found = difference(before.terms, after.terms)
    for names, text in (
        (found.added, gettext("New: %(what)s")),
        (found.removed, gettext("No longer: %(what)s")),
        (found.more, gettext("More of: %(what)s")),
        (found.less, gettext("Less of: %(what)s")),
    ):
        if names:
            yield text.replace("%(what)s", ", ".join(_title(catalogue, name) for name in names))
    yield from _figures(found.figures)
    added, gone = set(after.accounts) - set(before.accounts), set(before.accounts) - set(after.accounts)
    if added:
        yield ngettext("One account more", "%(num)d accounts more", len(added))
    if gone:
        yield ngettext("One account less", "%(num)d accounts less", len(gone))


def _figures(figures: Mapping[str, tuple[int | None, int | None]]) -> Iterator[str]:
    texts = {
        "durationDays": lambda now, then: gettext("It lasts %(now)s, before %(then)s", now=now, then=then),
        "lookbackDays": lambda now, then: gettext("It looks back %(now)s, before %(then)s", now=now, then=then),
        "dataLifeDays": lambda now, then: gettext("Data is deleted after %(now)s, before %(then)s", now=now, then=then),
    }
    for name, (old, new) in figures.items():
        if name in texts:
            yield texts[name](days(new or 0), days(old or 0))
        else:
            yield gettext("On its own up to %(now)s times a day, before %(then)s", now=new, then=old)


def _title(catalogue: Catalogue, name: str) -> str:
    category = catalogue.categories.get(name)
    return inside(category.title) if category else name
