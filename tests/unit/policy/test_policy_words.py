"""The words of the policies in Spanish: the same lists, checked with them, and English where words are missing."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli.main import cli
from broker.errors import ConfigurationInvalid
from broker.policy import Catalogue
from broker.policy.loading import load_catalogue
from broker.policy.spoken import retold
from broker.settings import default_policies_dir


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_policies_dir(), tmp_path / "policies"))


def changed(folder: Path, old: str, new: str) -> Catalogue:
    text = (folder / "words/es.yaml").read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / "words/es.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_catalogue(folder)


def test_the_shipped_words_are_complete() -> None:
    assert {code: words.missing for code, words in load_catalogue(default_policies_dir()).words.items()} == {"es": ()}


def test_a_catalogue_in_spanish_differs_in_its_words_alone() -> None:
    english = load_catalogue(default_policies_dir())
    spanish = english.in_language("es")
    assert (spanish.language, spanish.digest, spanish.engine) == ("es", english.digest, english.engine)
    assert english.in_language("fr") is english
    for name, category in english.categories.items():
        said = spanish.categories[name]
        assert [field.name for field in said.fields] == [field.name for field in category.fields]
        assert (said.details.keys(), said.precisions.keys()) == (category.details.keys(), category.precisions.keys())
        assert said.questions == category.questions
        assert said.title != category.title
        assert said.notice != category.notice
    for code, purpose in english.purposes.items():
        said_of = spanish.purposes[code]
        assert (said_of.maximum, said_of.default, said_of.dpv) == (purpose.maximum, purpose.default, purpose.dpv)
        assert {name: need.is_essential for name, need in said_of.needs.items()} == {
            name: need.is_essential for name, need in purpose.needs.items()
        }


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("  balances:\n", "  balanzas:\n", "balanzas"),
        ("    summary: Cuánto", "    sumary: Cuánto", "sumary"),
        ("      currency: su moneda", "      moneda: su moneda", "moneda"),
        ("      country: Solo", "      pais: Solo", "pais"),
        ("  chat_banking:", "  chat:", "chat"),
        ("  advertising:", "  publicidad:", "publicidad"),
        ("version: 1", "version: 2", "version"),
        ("{bank.maximumLookbackDays}", "{bank.secret}", "bank.history"),
        ("rules:", "reglas:", "reglas"),
    ],
)
def test_what_the_lists_do_not_know_is_refused_with_its_line(folder: Path, old: str, new: str, place: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=rf"words/es\.yaml:\d+: .*{place}"):
        changed(folder, old, new)


@pytest.mark.parametrize("name", ["words/en.yaml", "words/spanish.yaml"])
def test_a_file_of_words_is_named_after_another_language(folder: Path, name: str) -> None:
    shutil.copy(folder / "words/es.yaml", folder / name)
    with pytest.raises(ConfigurationInvalid, match=name):
        load_catalogue(folder)


def test_what_is_missing_is_said_in_english_and_named(folder: Path) -> None:
    spoken = changed(folder, "    title: Sus saldos\n", "").in_language("es")
    (folder / "notices/balances.es.v1.md").unlink()
    found = load_catalogue(folder)
    assert spoken.categories["balances"].title == "Your balances"
    assert found.words["es"].missing == ("categories.balances: its notice", "categories.balances.title")
    told = CliRunner().invoke(cli, ["policy", "check", "--dir", str(folder)])
    assert told.exit_code == 0, told.output
    assert "words/es.yaml: categories.balances.title is not translated; it is shown in English." in told.output


def test_the_digest_of_the_notices_is_over_the_texts_that_are_shown(folder: Path) -> None:
    first = load_catalogue(folder)
    digests = {first.notice_digest, first.in_language("es").notice_digest}
    path = folder / "notices/balances.es.v1.md"
    path.write_text(path.read_text(encoding="utf-8") + " Nunca.", encoding="utf-8")
    later = load_catalogue(folder)
    assert later.notice_digest == first.notice_digest
    assert later.in_language("es").notice_digest not in digests
    path.unlink()
    assert load_catalogue(folder).in_language("es").notice_digest not in digests  # an English text among them


def test_a_reason_is_said_again_with_the_figures_that_were_told(folder: Path) -> None:
    spanish = load_catalogue(folder).in_language("es")
    told = retold(spanish, "bank.history", "lookback_days is above the bank's ceiling of 30.")
    assert told == "El historial está por encima del máximo del banco, 30 días."
    told = retold(spanish, "bank.categories", "The bank does not offer balances at the moment.")
    assert told == "El banco no ofrece “Sus saldos” en este momento."


@pytest.mark.parametrize("text", ["", "lookback_days is above.", "lookback_days is above the bank's ceiling of a b."])
def test_a_reason_of_another_time_stands_as_it_was_told(text: str) -> None:
    spanish = load_catalogue(default_policies_dir()).in_language("es")
    assert retold(spanish, "bank.history", text) is None
    assert retold(spanish, "no.such-rule", text) is None
