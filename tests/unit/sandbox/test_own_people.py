"""A file of own people is read strictly: what is wrong is told with its place and a code, never repeated."""

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from broker.sandbox.people import own_people
from broker.sandbox.people.entry import Channel, EntryKind
from broker.sandbox.people.own_fields import Fault, PeopleRefused
from broker.sandbox.people.own_people import people_in
from broker.sandbox.people.persona import AccountKind
from tests.architecture.pages import first_cells, section
from tests.architecture.tree import ROOT

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXAMPLE = json.loads((ROOT / "docs/reference/own-people.example.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((ROOT / "docs/reference/own-people.schema.json").read_text(encoding="utf-8"))
PAGE = ROOT / "docs" / "how-to" / "use-the-sandbox-from-a-program.md"


def read(document):
    return [person for person, _ in people_in(json.dumps(document).encode(), NOON)]


def changed(path, value):
    """Return the example with one value replaced (or, given ..., taken away); `path` is a JSON pointer."""
    document = copy.deepcopy(EXAMPLE)
    *way, last = [int(step) if step.isdigit() else step for step in path.strip("/").split("/")]
    target = document
    for step in way:
        target = target[step]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return document


ACCOUNT = "/people/0/accounts/0"
LINE = f"{ACCOUNT}/transactions/0"
WRONG = {
    "/version": (Fault.VERSION, [2, "1", True, None]),
    "/people": (Fault.WRONG_TYPE, [{}, None, "x", 1]),
    "/people/0": (Fault.WRONG_TYPE, [[], None, "x"]),
    "/people/0/bank": (Fault.BAD_CHOICE, ["chase", "", None, [], {}, 1]),
    "/people/0/username": (Fault.BAD_TEXT, ["", "Ada", "-x", "a b", "a" * 65, "\u0430da", "a/b", "a\n"]),
    "/people/0/name": (Fault.BAD_TEXT, ["", "x" * 501, "\ud800"]),
    "/people/1/name": (Fault.WRONG_TYPE, [None, 1, [], {}, True]),
    f"{ACCOUNT}/id": (Fault.BAD_TEXT, ["", "a/b", "a b", "\u00e9", "x" * 65]),
    f"{ACCOUNT}/kind": (Fault.BAD_CHOICE, ["loan", "CURRENT"]),
    f"{ACCOUNT}/currency": (Fault.BAD_CURRENCY, ["usd", "ZZZ", "", None, ["USD"], {}, 840]),
    f"{ACCOUNT}/balance": (
        Fault.BAD_MONEY,
        ["1.234", "1e3", "1,00", "NaN", "+1", "", " 1", "1" * 10, "\u0661", 1, 1.5, None, True, ".5", "1."],
    ),
    f"{ACCOUNT}/limit": (Fault.BAD_MONEY, ["-1", 0, "-0.01"]),
    f"{ACCOUNT}/joint": (Fault.WRONG_TYPE, ["yes", 1, None]),
    f"{ACCOUNT}/number": (Fault.BAD_TEXT, ["1234567", "123456789", "1234567a"]),
    f"{LINE}/time": (
        Fault.BAD_TIME,
        [
            *(
                "2026-11-22",
                "2026-11-22T12:00:00",
                "2026-13-01T00:00:00Z",
                "2026-02-30T00:00:00Z",
                "1999-01-01T00:00:00Z",
            ),
            *("3D", "P3D", "-P", "-PT", "-P3", "-P3DT", "-P99999D", "-P1Y", "yesterday", "", None, 0, ["-P1D"], {}),
        ],
    ),
    f"{LINE}/amount": (Fault.BAD_MONEY, ["0", "0.00", "-0.00", -4.8, "--1"]),
    f"{LINE}/kind": (Fault.BAD_CHOICE, ["gift"]),
    f"{LINE}/pending": (Fault.WRONG_TYPE, ["no", None]),
    f"{LINE}/card/mcc": (Fault.BAD_TEXT, ["742", "07421", "o742", "\u0660742"]),
    f"{LINE}/card/channel": (Fault.BAD_CHOICE, ["chip"]),
    f"{LINE}/card/place/country": (Fault.BAD_PLACE, ["USA", "us", "XX", "ZZ", "", None, ["US"], {}]),
    f"{LINE}/card/place/lat": (Fault.BAD_PLACE, ["91", "-90.1", "1e1", "NaN", "", 42.3, None]),
    f"{LINE}/card/place/lon": (Fault.BAD_PLACE, ["181", "x"]),
}
CASES = [(path, fault, value) for path, (fault, values) in WRONG.items() for value in values]


@pytest.mark.parametrize(("path", "fault", "value"), CASES, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(CASES)])
def test_a_wrong_value_is_refused_with_its_place_and_its_code(path, fault, value):
    with pytest.raises(PeopleRefused) as refusal:
        read(changed(path, value))
    assert refusal.value.place == path
    assert refusal.value.fault == fault or (fault is Fault.BAD_TEXT and refusal.value.fault is Fault.WRONG_TYPE)


def objects(value, place=""):
    """Yield the place and the members of every object of a document."""
    if isinstance(value, dict):
        yield place, list(value)
        for name, item in value.items():
            yield from objects(item, f"{place}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from objects(item, f"{place}/{number}")


def test_an_unknown_member_is_refused_wherever_it_stands_and_its_name_cannot_write_on_a_terminal():
    for place, _ in objects(EXAMPLE):
        with pytest.raises(PeopleRefused) as refusal:
            read(changed(f"{place}/\u001b[31mred" + "x" * 200, 1))
        assert (refusal.value.fault, refusal.value.place) == (Fault.UNKNOWN, place)
        assert str(refusal.value).isprintable()
        assert "x" * 50 not in str(refusal.value)


def test_a_missing_member_is_refused_where_the_schema_requires_it_and_nowhere_else():
    shapes = {"": SCHEMA} | SCHEMA["$defs"]
    words = {"people": "person", "accounts": "account", "transactions": "transaction", "card": "card", "place": "place"}
    for place, members in objects(EXAMPLE):
        steps = [step for step in place.split("/") if step in words]
        shape = shapes[words[steps[-1]] if steps else ""]
        for name in members:
            document = changed(f"{place}/{name}", ...)
            if name in shape["required"]:
                with pytest.raises(PeopleRefused) as refusal:
                    read(document)
                assert (refusal.value.fault, refusal.value.place) == (Fault.MISSING, place)
            elif name not in ("lat", "lon"):
                read(document)


def test_the_schema_has_the_members_words_and_bounds_that_the_sandbox_reads():
    named = {"DOCUMENT": SCHEMA, **{name.upper(): shape for name, shape in SCHEMA["$defs"].items()}}
    for name, shape in named.items():
        required, optional = getattr(own_people, name)
        assert shape["required"] == required.split(), name
        assert set(shape["properties"]) == {*required.split(), *optional.split()}, name
        assert shape["additionalProperties"] is False, name
    parts = {name: shape["properties"] for name, shape in SCHEMA["$defs"].items()}
    assert parts["account"]["kind"]["enum"] == list(AccountKind)
    assert parts["transaction"]["kind"]["enum"] == list(EntryKind)
    assert parts["card"]["channel"]["enum"] == list(Channel)
    assert parts["person"]["bank"]["enum"] == list(own_people.BANKS)
    assert SCHEMA["properties"]["people"]["maxItems"] == own_people.MOST_PEOPLE
    assert parts["person"]["accounts"]["maxItems"] == own_people.MOST_ACCOUNTS
    assert parts["account"]["transactions"]["maxItems"] == own_people.MOST_TRANSACTIONS


def test_every_code_is_documented_and_nothing_else_is():
    assert first_cells(section(PAGE, "What is refused")) == list(Fault)


TWICE = {
    "a-person": lambda d: d["people"].append(d["people"][0]),
    "an-account": lambda d: d["people"][0]["accounts"].append(d["people"][0]["accounts"][1]),
    "a-transaction": lambda d: d["people"][0]["accounts"][0]["transactions"].append(
        d["people"][0]["accounts"][0]["transactions"][0]
    ),
}


@pytest.mark.parametrize("repeat", TWICE.values(), ids=TWICE)
def test_what_stands_there_twice_is_refused(repeat):
    document = copy.deepcopy(EXAMPLE)
    repeat(document)
    with pytest.raises(PeopleRefused) as refusal:
        read(document)
    assert refusal.value.fault is Fault.DUPLICATE


MANY = {
    "people": {"version": 1, "people": [{}] * 101},
    "accounts": {"version": 1, "people": [EXAMPLE["people"][0] | {"accounts": [{}] * 21}]},
    "transactions": changed(f"{ACCOUNT}/transactions", [{}] * 5001),
}


@pytest.mark.parametrize("document", MANY.values(), ids=MANY)
def test_lists_have_an_end(document):
    with pytest.raises(PeopleRefused) as refusal:
        read(document)
    assert refusal.value.fault is Fault.TOO_MANY


FILES = {
    "empty": (b"", Fault.NO_JSON),
    "half": (b'{"version": 1', Fault.NO_JSON),
    "latin-1": (b'{"version": "\xe9"}', Fault.NO_JSON),
    "nan": (b'{"version": NaN, "people": []}', Fault.NO_JSON),
    "deep": (b"[" * 100_000, Fault.NO_JSON),
    "long-number": (b'{"version": ' + b"9" * 10_000 + b', "people": []}', Fault.NO_JSON),
    "twice": (b'{"version": 1, "version": 1, "people": []}', Fault.DUPLICATE),
    "list": (b"[]", Fault.WRONG_TYPE),
    "large": (b" " * (4 * 1024 * 1024 + 1), Fault.TOO_LARGE),
}


@pytest.mark.parametrize(("content", "fault"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_such_document_is_refused(content, fault):
    with pytest.raises(PeopleRefused) as refusal:
        people_in(content, NOON)
    assert refusal.value.fault is fault


def test_a_place_online_and_half_a_coordinate_are_refused():
    for document in (changed(f"{LINE}/card/channel", "online"), changed(f"{LINE}/card/place/lat", ...)):
        with pytest.raises(PeopleRefused) as refusal:
            read(document)
        assert refusal.value.fault is Fault.BAD_PLACE


def test_spans_count_back_from_the_loading_and_the_balance_is_that_of_the_loading():
    account = read(EXAMPLE)[0].accounts[0]
    salary, coffee, film = account.entries
    assert coffee.occurred_at == coffee.posted_at == NOON - timedelta(days=1, hours=3)
    assert film.occurred_at == NOON - timedelta(hours=5)
    assert film.posted_at > NOON + timedelta(days=9_000), "pending"
    assert salary.occurred_at == datetime(2026, 10, 30, 6, 30, tzinfo=UTC)
    assert account.plan.opening + coffee.amount + salary.amount == Decimal("1250.40")
    assert [entry.kind for entry in account.entries] == [
        EntryKind.SALARY,
        EntryKind.CARD_PURCHASE,
        EntryKind.CARD_PURCHASE,
    ]


def test_any_text_is_a_text():
    hostile = "<script>alert(1)</script>\u0000\u001b[2J\u202e'\"\r\n\U0001f4a5"
    assert read(changed("/people/0/name", hostile))[0].name == hostile


def test_identifiers_are_the_same_at_every_loading_and_tell_nothing():
    first, again = read(EXAMPLE)[0], read(EXAMPLE)[0]
    assert (first.subject, first.account_id("checking")) == (again.subject, again.account_id("checking"))
    assert re.fullmatch(r"hb-[0-9a-f]{16}", first.subject)
    assert first.subject != read(EXAMPLE)[1].subject
