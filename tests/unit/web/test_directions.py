"""Names that run from right to left: isolated wherever a template writes them, and as they were when they come back."""

import unicodedata
from collections.abc import Iterator

from flask import Flask, render_template_string
from hypothesis import given
from hypothesis import strategies as st
from web_world import World
from werkzeug.datastructures import MultiDict

from broker.web.directions import isolated, without_isolation
from broker.web.finding import FindForm
from broker.web.forms import parsed

SAVINGS = "\u05d7\u05e1\u05db\u05d5\u05df"  # "savings" in Hebrew
OPEN, CLOSE, TURN = "\u2068", "\u2069", "\u202e"
NAME = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def outside(text: str) -> Iterator[str]:
    """The characters that stand in no isolated stretch."""
    depth = 0
    for character in text:
        depth += (character == OPEN) - (character == CLOSE)
        assert depth in {0, 1}, "stretches stand in a row, never in one another"
        if not depth and character != CLOSE:
            yield character
    assert depth == 0


@given(NAME)
def test_no_letter_that_runs_from_right_to_left_stands_free(name: str) -> None:
    free = "".join(outside(isolated(name)))
    assert not [one for one in free if unicodedata.bidirectional(one) in {"R", "AL"}]
    assert not set(isolated(name)) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067")


@given(NAME)
def test_what_comes_back_from_a_form_is_the_name_again(name: str) -> None:
    assert isolated(without_isolation(isolated(name))) == isolated(name)
    if name.isprintable():
        assert without_isolation(isolated(name)) == name


def test_a_number_behind_a_name_and_the_next_of_a_list_stay_outside() -> None:
    assert isolated(f"{SAVINGS} 99") == f"{OPEN}{SAVINGS}{CLOSE} 99"
    assert isolated(f"{SAVINGS} 2 {SAVINGS}, {SAVINGS}") == (
        f"{OPEN}{SAVINGS} 2 {SAVINGS}{CLOSE}, {OPEN}{SAVINGS}{CLOSE}"
    )
    assert isolated(f"Evil {TURN}knaB") == "Evil knaB"


def test_every_way_by_which_a_template_writes_a_name_isolates_it(world: World) -> None:
    page = _drawn(
        world.app,
        '<p title="{{ name }}">{{ name }}</p>{{ _("%(app)s sees", app=name) }}'
        "{{ ngettext('%(num)d of %(app)s', '%(num)d of %(app)s', 2, app=name) }}"
        "{% trans app=name %}<b>{{ app }}</b>{% endtrans %}{{ [name, name] | join(', ') }}",
    )
    assert page.count(SAVINGS) == page.count(f"{OPEN}{SAVINGS}{CLOSE}") == 7


def test_bytes_that_are_shown_are_shown_as_they_are(world: World) -> None:
    assert _drawn(world.app, "<pre>{{ name | verbatim }}</pre>") == f"<pre>{SAVINGS}</pre>"
    assert _drawn(world.app, "{{ ('<b>' ~ name) | verbatim }}") == f"&lt;b&gt;{SAVINGS}"


def test_a_form_takes_what_a_page_wrote_for_what_it_was() -> None:
    assert parsed(FindForm(), MultiDict({"q": isolated(f"{SAVINGS} 99")}))["q"] == f"{SAVINGS} 99"


def _drawn(app: Flask, template: str) -> str:
    with app.test_request_context("/"):
        return render_template_string(template, name=SAVINGS)
