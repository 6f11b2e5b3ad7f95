"""Every mistake in a policy file stops the broker with the file's name and the place (invariant 7)."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.errors import ConfigurationInvalid
from broker.policy.loading import load_catalogue
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import Detail, DurationType, Precision
from broker.settings import default_policies_dir
from tests.support.core import policies

CATEGORIES, PURPOSES, HARBOR = "categories.yaml", "purposes.yaml", "banks/harbor.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_policies_dir(), tmp_path / "policies"))


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


FIGURES = (
    ", ".join(
        f"{kind}_{name}: 1"
        for kind in ("maximum", "default")
        for name in ("duration_days", "lookback_days", "frequency_per_day", "data_life_days")
    )
    + ", maximum_attended_per_day: 1"
)
NEEDS = "{balances: {essential: true, why: w}}"
AGAIN = f"  - {{code: chat_banking, title: t, summary: s, dpv: https://d.example/d, categories: {NEEDS}, {FIGURES}}}"
ACCOUNTS_AGAIN = "  - {name: accounts, title: t, summary: s, fields: [{name: accountId, label: l}]}"

MISTAKES: list[tuple[str, str, str, str]] = [
    (CATEGORIES, "  - name: accounts", "  - name: Accounts", "name"),
    (CATEGORIES, "  - name: accounts", "  - name: unnoticed", "name"),
    (CATEGORIES, "  - name: accounts", "  - name: ''", "name"),
    (CATEGORIES, "title: Your balances", "title: 5", "title"),
    (CATEGORIES, "title: Your balances", "title: ' '", "title"),
    (CATEGORIES, "    summary: Payments", "    zummary: Payments", "summary"),
    (CATEGORIES, "details: [basic, detail]", "details: [basic, everything]", "details"),
    (CATEGORIES, "details: [basic, detail]", "details: basic", "details"),
    (CATEGORIES, "      basic: Dates, amounts, types and kinds of shop only\n", "", "detail_titles: basic"),
    (CATEGORIES, "    detail_titles:\n", "    other_titles:\n", "detail_titles"),
    (CATEGORIES, "default_precision: town", "default_precision: exact", "default_precision"),
    (CATEGORIES, "default_precision: town", "default_precision: street", "default_precision"),
    (CATEGORIES, "precisions: [country, town, postcode_area, exact]", "precisions: [exact]", "precisions"),
    (CATEGORIES, "precisions: [country, town, postcode_area, exact]", "precisions: [country, exact]", "precisions"),
    (CATEGORIES, "precisions: [country, town,", "precisions: [town, country,", "precisions"),
    (CATEGORIES, "precisions: [country, town, postcode_area, exact]", "precisions: [country, country]", "precisions"),
    (CATEGORIES, "default_precision: town", "default_precision: [town]", "default_precision"),
    (CATEGORIES, "default_precision: town", "default_precision: 5", "default_precision"),
    (CATEGORIES, "default_precision: town", "default_precison: exact", "default_precison: is not known"),
    (CATEGORIES, "from_precision: exact", "from_precison: exact", "fields[6]: from_precison: is not known"),
    (CATEGORIES, "from_detail: detail", "from_details: detail", "from_details: is not known"),
    (CATEGORIES, "from_detail: detail", "from_detail: [detail]", "from_detail: must be one of"),
    (CATEGORIES, "details: [basic, detail]", "details: [detail, basic]", "details"),
    (CATEGORIES, "details: [basic, detail]", "details: [detail]", "details"),
    (CATEGORIES, "details: [basic, detail]", "details: []", "details"),
    (CATEGORIES, "    details: [basic, detail]\n", "", "detail_titles: basic: is not known"),
    (CATEGORIES, "      basic: Dates, amounts", "      all: All\n      basic: Dates, amounts", "detail_titles: all"),
    (CATEGORIES, "title: Your balances", "title: Your balances\n    default_precision: town", "default_precision"),
    (CATEGORIES, "version: 1", "version: 2", "version"),
    (CATEGORIES, "version: 1", "version: '1'", "version"),
    (CATEGORIES, "version: 1", "version: true", "version"),
    (CATEGORIES, "version: 1\n", "", "version"),
    (CATEGORIES, "version: 1", "version: 1\nfields: []", "fields: is not known"),
    (CATEGORIES, "version: 1", "version: 1\n5: x", "5: is not known"),
    (CATEGORIES, "version: 1", "version: 2026-13-45", "YAML"),
    (CATEGORIES, "version: 1", "version: !!timestamp x", "YAML"),
    (CATEGORIES, "version: 1", "version: !!bool x", "YAML"),
    (CATEGORIES, "version: 1", "version: !!int ''", "YAML"),
    (CATEGORIES, "version: 1", f"# {'x' * 131_072}", "larger than 131072 bytes"),
    (CATEGORIES, "      - {name: lat,", "      - {name: lat, label: l}\n      - {name: lat,", "lat stands there twice"),
    (CATEGORIES, "  - name: balances", f"{ACCOUNTS_AGAIN}\n  - name: balances", "accounts stands there twice"),
    (PURPOSES, "version: 1", "version: 2", "version"),
    (PURPOSES, "version: 1", "version: 1\nallowed: []", "allowed: is not known"),
    (PURPOSES, "forbidden:", f"{AGAIN}\nforbidden:", "chat_banking stands there twice"),
    (PURPOSES, "{code: resale,", "{code: marketing,", "marketing stands there twice"),
    (PURPOSES, "{code: resale,", "{until: 2027, code: resale,", "until: is not known"),
    (PURPOSES, "{essential: false, why", "{optional: true, essential: false, why", "optional: is not known"),
    (PURPOSES, "    maximum_duration_days: 365", "    max_days: 1\n    maximum_duration_days: 365", "max_days"),
    (PURPOSES, "dpv: https:", "dpv: http:", "dpv"),
    (PURPOSES, "dpv: https://w3id.org/dpv#ServiceProvision", "dpv: 'dpv:ServiceProvision'", "dpv"),
    (PURPOSES, "dpv: https://w3id.org/dpv#ServiceProvision", "dpv: 'https://w3id.org/d v'", "dpv"),
    (PURPOSES, "https://w3id.org/dpv#SellDataToThirdParties", "https:///x", "dpv"),
    (HARBOR, "bank: harbor", "bank: harbor\nmaximum_history_days: 1", "maximum_history_days: is not known"),
    (CATEGORIES, "precisions: [country,", "precisions: [planet,", "precisions"),
    (CATEGORIES, "      town: Town\n", "", "precision_titles: town"),
    (CATEGORIES, "from_precision: exact", "from_precision: street", "from_precision"),
    (CATEGORIES, "from_detail: detail", "from_detail: most", "from_detail"),
    (CATEGORIES, "- {name: displayName, label: the account's name}", "- {name: displayName}", "label"),
    (CATEGORIES, "- {name: displayName, label: the account's name}", "- displayName", "fields[1]: must be a mapping"),
    (CATEGORIES, "categories:", "others:", "others: is not known"),
    (CATEGORIES, "  - name: accounts", "  accounts: {}\n  - name: accounts", "YAML"),
    (CATEGORIES, "version: 1", "- version", "YAML"),
    (CATEGORIES, "title: Your balances", "title: Your balances\n    title: Twice", "repeated"),
    (CATEGORIES, "title: Your balances", "title: !!python/name:os.system", "YAML"),
    (PURPOSES, "code: chat_banking", "code: advertising", "advertising is both allowed and forbidden"),
    (
        PURPOSES,
        "      accounts: {essential: false,",
        "      thoughts: {essential: false,",
        "thoughts is not a category",
    ),
    (PURPOSES, "accounts: {essential: false,", "accounts: {essential: maybe,", "essential"),
    (PURPOSES, "maximum_duration_days: 365", "maximum_duration_days: 366", "maximum_duration_days"),
    (PURPOSES, "maximum_duration_days: 365", "maximum_duration_days: '365'", "maximum_duration_days"),
    (PURPOSES, "maximum_duration_days: 365", "maximum_duration_days: true", "maximum_duration_days"),
    (PURPOSES, "maximum_duration_days: 365", "maximum_duration_days: 89", "default_*"),
    (PURPOSES, "default_lookback_days: 60", "default_lookback_days: 0", "default_lookback_days"),
    (PURPOSES, "default_lookback_days: 60", "default_lookback_days: 1.5", "default_lookback_days"),
    (PURPOSES, "default_frequency_per_day: 4", "default_frequency_per_day: -4", "default_frequency_per_day"),
    (PURPOSES, "maximum_data_life_days: 90", "maximum_data_life_days: 10001", "maximum_data_life_days"),
    (PURPOSES, "    maximum_attended_per_day: 200\n", "", "maximum_attended_per_day"),
    (PURPOSES, "maximum_attended_per_day: 200", "maximum_attended_per_day: 0", "maximum_attended_per_day"),
    (PURPOSES, "{code: resale, title", "{cod: resale, title", "code"),
    (HARBOR, "bank: harbor", "bank: meridian", "bank"),
    (HARBOR, "categories: [accounts,", "categories: [thoughts,", "categories"),
    (HARBOR, "purposes: [chat_banking,", "purposes: [advertising,", "purposes"),
    (HARBOR, "joint_accounts: false", "joint_accounts: sometimes", "joint_accounts"),
    (HARBOR, "receipts: required", "receipts: optional", "receipts"),
    (HARBOR, "receipts: required", "receipts:", "receipts"),
    (HARBOR, "maximum_frequency_per_day: 24\n", "", "maximum_frequency_per_day"),
    (HARBOR, "maximum_duration_days: 365", "maximum_duration_days: 500", "maximum_duration_days"),
    (HARBOR, "bank: harbor", "just words", "YAML"),
    # A bank that offers more than any purpose may ask for.
    (HARBOR, "maximum_lookback_days: 365", "maximum_lookback_days: 366", "maximum_lookback_days: must be"),
    (HARBOR, "maximum_frequency_per_day: 24", "maximum_frequency_per_day: 97", "maximum_frequency_per_day: must be"),
]


@pytest.mark.parametrize(("file", "old", "new", "place"), MISTAKES)
def test_a_mistake_is_refused_with_its_file_and_key(folder: Path, file: str, old: str, new: str, place: str) -> None:
    edit(folder, file, old, new)
    with pytest.raises(ConfigurationInvalid) as refusal:
        load_catalogue(folder)
    assert Path(file).name in refusal.value.detail
    assert place in refusal.value.detail


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        (HARBOR, "categories: [accounts,", "categories: [thoughts,", "banks/harbor.yaml:3: categories: "),
        (HARBOR, "purposes: [chat_banking,", "purposes: [resale,", "banks/harbor.yaml:4: purposes: "),
        (HARBOR, "maximum_lookback_days: 365", "maximum_lookback_days: 366", "banks/harbor.yaml:6: maximum_lookback"),
        (HARBOR, "maximum_duration_days: 365", "maximum_duration_days: 366", "banks/harbor.yaml:5: maximum_duration"),
        (HARBOR, "joint_accounts: false\n", "", "banks/harbor.yaml:2: joint_accounts: "),
        (PURPOSES, "{code: resale, title", "{cod: resale, title", "forbidden[5]: code: must be a text"),
        (CATEGORIES, "[10, 20, 50,", "[20, 10, 50,", "questions: amounts: must be a list of rising whole numbers"),
        (CATEGORIES, "[10, 20, 50,", "[true, 20, 50,", "questions: amounts: must be a list of rising whole numbers"),
        (CATEGORIES, "hours: [6,", "hours: [0,", "questions: hours: must be a list of rising whole numbers"),
        (CATEGORIES, "hours: [6, 24, 72, 168, 720]", "hours: []", "questions: hours: must be a list of rising"),
        (CATEGORIES, "most_per_day: 3", "most_per_day: 101", "questions: most_per_day: must be a whole number"),
        (CATEGORIES, "      stale_after_hours: 24\n", "", "questions: stale_after_hours: must be a whole number"),
        (
            CATEGORIES,
            "      hours: [6,",
            "      amounts: [1]\n      hours: [6,",
            "questions: amounts: is not known here",
        ),
    ],
)
def test_a_mistake_is_refused_with_its_line(folder: Path, file: str, old: str, new: str, line: str) -> None:
    edit(folder, file, old, new)
    with pytest.raises(ConfigurationInvalid) as refusal:
        load_catalogue(folder)
    assert line in refusal.value.detail


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        (CATEGORIES, "version: 1\ncategories: []", "categories: must be a list"),
        (CATEGORIES, "version: 1", "categories: must be a list"),
        (PURPOSES, "version: 1\npurposes: {}\nforbidden: []", "purposes: must be a list"),
        (PURPOSES, f"version: 1\npurposes:\n{AGAIN}\nforbidden: []", "forbidden: must be a list"),
        (PURPOSES, f"version: 1\npurposes:\n{AGAIN.replace(NEEDS, '{}')}", "categories: must be a mapping"),
    ],
)
def test_an_empty_section_is_refused(folder: Path, file: str, text: str, place: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(ConfigurationInvalid, match=place):
        load_catalogue(folder)


def _misname_notice(folder: Path) -> None:
    (folder / "notices" / "accounts.md").write_text("words")


def _no_purposes(folder: Path) -> None:
    (folder / PURPOSES).unlink()


def _no_notices(folder: Path) -> None:
    shutil.rmtree(folder / "notices")


def _scalar(folder: Path) -> None:
    (folder / HARBOR).write_text("5")


def _a_folder(folder: Path) -> None:
    (folder / PURPOSES).unlink()
    (folder / PURPOSES).mkdir()


def _dangling(folder: Path) -> None:
    (folder / "banks" / "other.yaml").symlink_to(folder / "nowhere.yaml")


def _deep(folder: Path) -> None:
    (folder / HARBOR).write_text("[" * 20_000)


def _notice_not_text(folder: Path) -> None:
    (folder / "notices" / "accounts.en.v2.md").write_bytes(b"\xff")


def _not_text(folder: Path) -> None:
    (folder / HARBOR).write_bytes(b"bank: \xff")


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (_misname_notice, "notices/accounts.md"),
        (_no_purposes, "purposes.yaml: the file is missing"),
        (_no_notices, "notices/"),
        (_scalar, "harbor.yaml:1: must be a mapping"),
        (_not_text, "harbor.yaml: not readable as YAML"),
        (_a_folder, "purposes.yaml: cannot be read"),
        (_dangling, "banks/other.yaml: cannot be read"),
        (_deep, "harbor.yaml: not readable as YAML"),
        (_notice_not_text, "accounts.en.v2.md: is not UTF-8 text"),
    ],
)
def test_a_file_that_is_missing_or_misnamed_is_refused(
    folder: Path, mistake: Callable[[Path], None], named: str
) -> None:
    mistake(folder)
    with pytest.raises(ConfigurationInvalid, match=named):
        load_catalogue(folder)


def test_a_language_without_notices_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="language fr"):
        load_catalogue(folder, language="fr")


def test_the_newest_notice_of_the_language_is_shown(folder: Path) -> None:
    (folder / "notices" / "accounts.en.v10.md").write_text("ten")
    (folder / "notices" / "accounts.en.v9.md").write_text("nine")
    (folder / "notices" / "accounts.fr.v11.md").write_text("onze")
    catalogue = load_catalogue(folder)
    assert (catalogue.categories["accounts"].notice, catalogue.notice_version) == ("ten", 10)


@pytest.mark.parametrize("file", [CATEGORIES, PURPOSES, HARBOR, "notices/balances.en.v1.md"])
def test_every_file_counts_in_the_digest(folder: Path, file: str) -> None:
    before = load_catalogue(folder)
    (folder / file).write_text((folder / file).read_text() + "\n# a remark\n")
    after = load_catalogue(folder)
    assert before.digest != after.digest
    assert (before.notice_digest != after.notice_digest) == file.startswith("notices")


def test_a_readme_does_not_count_in_the_digest(folder: Path) -> None:
    before = load_catalogue(folder).digest
    (folder / "README.md").write_text("other words")
    assert load_catalogue(folder).digest == before


def test_the_least_of_a_category_is_its_least_detail_and_default_precision() -> None:
    categories = policies().categories
    assert categories["transactions"].least() == CategoryTerm("transactions", Detail.BASIC)
    assert categories["card_locations"].least() == CategoryTerm("card_locations", precision=Precision.TOWN)
    assert categories["balances"].least() == CategoryTerm("balances")


def test_a_request_without_figures_gets_the_defaults_of_its_purpose() -> None:
    purpose = policies().purposes["chat_banking"]
    terms = policies().complete(purpose=purpose, categories=(CategoryTerm("balances"),))
    assert (terms.duration_days, terms.lookback_days, terms.frequency_per_day, terms.data_life_days) == (90, 60, 4, 30)
    named = policies().complete(
        purpose=purpose,
        categories=(),
        duration_days=1,
        lookback_days=2,
        frequency_per_day=3,
        data_life_days=4,
        bank="harbor",
    )
    assert (named.duration_days, named.lookback_days, named.frequency_per_day, named.data_life_days) == (1, 2, 3, 4)
    once = policies().complete(purpose=purpose, categories=(), duration_type=DurationType.ONE_TIME)
    assert once.duration_days is None


def test_a_category_may_offer_the_first_steps_only(folder: Path) -> None:
    edit(folder, CATEGORIES, "precisions: [country, town, postcode_area, exact]", "precisions: [country, town]")
    for step in ("      postcode_area: First part of the postcode\n", "      exact: Exact street and time\n"):
        edit(folder, CATEGORIES, step, "")
    text = (folder / CATEGORIES).read_text()
    examples = [
        line for line in text.splitlines(keepends=True) if line.startswith(("      postcode_area:", "      exact:"))
    ]
    for example in examples:
        edit(folder, CATEGORIES, example, "")
    category = load_catalogue(folder).categories["card_locations"]
    assert list(category.precisions) == [Precision.COUNTRY, Precision.TOWN]
    assert "lat" not in {
        field.name for field in category.fields_in(CategoryTerm("card_locations", None, Precision.TOWN))
    }
