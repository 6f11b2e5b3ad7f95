"""Builds the catalogue out of the policy files and refuses the first mistake with its file (fail closed)."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from broker.errors import ConfigurationInvalid
from broker.policy.catalogue import (
    BankFacts,
    Catalogue,
    Category,
    Field,
    Figures,
    ForbiddenPurpose,
    Need,
    Purpose,
)
from broker.policy.files import Node, PolicyFile
from broker.policy.vocabulary import Detail, Precision

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NOTICE = re.compile(r"(?P<category>[a-z_]+)\.(?P<language>[a-z]{2})\.v(?P<version>[1-9][0-9]*)\.md")
_FIGURES = ("duration_days", "lookback_days", "frequency_per_day", "data_life_days")
_HARD_MAXIMUM_DAYS = 365


def load_catalogue(folder: Path, *, language: str = "en") -> Catalogue:
    """Read all policy files of a folder.

    Raises:
        ConfigurationInvalid: a file is missing, not YAML, or says something the broker does not understand.
    """
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".yaml", ".md"} and p.name != "README.md")
    notices, notice_version = _notices(folder / "notices", language)
    categories = dict(_categories(PolicyFile(folder / "categories.yaml"), notices))
    purpose_file = PolicyFile(folder / "purposes.yaml")
    purposes = dict(_purposes(purpose_file, frozenset(categories)))
    forbidden = {
        item.text("code"): ForbiddenPurpose(item.text("code"), item.text("title"), item.text("dpv"))
        for item in purpose_file.root.items("forbidden")
    }
    if both := forbidden.keys() & purposes.keys():
        raise ConfigurationInvalid(f"{purpose_file.path.name}: {min(both)} is both allowed and forbidden")
    banks = dict(_bank_facts(path, categories, purposes) for path in sorted((folder / "banks").glob("*.yaml")))
    return Catalogue(
        digest=_digest((p.relative_to(folder).as_posix(), p.read_bytes()) for p in files),
        categories=categories,
        purposes=purposes,
        forbidden=forbidden,
        banks=banks,
        notice_digest=_digest((name, text.encode()) for name, text in sorted(notices.items())),
        notice_version=notice_version,
    )


def _categories(file: PolicyFile, notices: Mapping[str, str]) -> Iterator[tuple[str, Category]]:
    for node in file.root.items("categories"):
        name = node.text("name")
        if not _NAME.fullmatch(name) or name not in notices:
            raise node.fail("name", "must be a lower-case name with a notice in notices/")
        details = node.names("details", frozenset(Detail)) if "details" in node.value else []
        precisions = node.names("precisions", frozenset(Precision)) if "precisions" in node.value else []
        default = (
            Precision(node.step("default_precision", frozenset(precisions)) or precisions[0]) if precisions else None
        )
        if default is not None and (default == Precision.EXACT or default not in precisions):
            raise node.fail("default_precision", "must be one of the precisions, and exact is never the default")
        titles = node.texts("detail_titles", details) if details else {}
        steps = node.texts("precision_titles", precisions) if precisions else {}
        examples = node.texts("precision_examples", precisions) if precisions else {}
        yield (
            name,
            Category(
                name=name,
                title=node.text("title"),
                summary=node.text("summary"),
                fields=tuple(_field(item) for item in node.items("fields")),
                notice=notices[name],
                details={Detail(key): text for key, text in titles.items()},
                precisions={Precision(key): text for key, text in steps.items()},
                precision_examples={Precision(key): text for key, text in examples.items()},
                default_precision=Precision(default) if default else None,
            ),
        )


def _field(node: Node) -> Field:
    detail = node.step("from_detail", frozenset(Detail))
    precision = node.step("from_precision", frozenset(Precision))
    return Field(
        name=node.text("name"),
        label=node.text("label"),
        from_detail=Detail(detail) if detail else None,
        from_precision=Precision(precision) if precision else None,
    )


def _purposes(file: PolicyFile, categories: frozenset[str]) -> Iterator[tuple[str, Purpose]]:
    for node in file.root.items("purposes"):
        needs = node.mapping("categories")
        if unknown := needs.keys() - categories:
            raise node.fail("categories", f"{min(unknown)} is not a category")
        maximum, default = _figures(node, "maximum"), _figures(node, "default")
        if any(getattr(default, name) > getattr(maximum, name) for name in _FIGURES):
            raise node.fail("default_*", "a default is above its maximum")
        code = node.text("code")
        yield (
            code,
            Purpose(
                code=code,
                title=node.text("title"),
                summary=node.text("summary"),
                dpv=node.text("dpv"),
                needs={name: Need(item.flag("essential"), item.text("why")) for name, item in needs.items()},
                maximum=maximum,
                default=default,
            ),
        )


def _figures(node: Node, prefix: str) -> Figures:
    return Figures(
        duration_days=node.number(f"{prefix}_duration_days", most=_HARD_MAXIMUM_DAYS),
        lookback_days=node.number(f"{prefix}_lookback_days"),
        frequency_per_day=node.number(f"{prefix}_frequency_per_day"),
        data_life_days=node.number(f"{prefix}_data_life_days"),
    )


def _bank_facts(
    path: Path, categories: Mapping[str, Category], purposes: Mapping[str, Purpose]
) -> tuple[str, BankFacts]:
    node = PolicyFile(path).root
    bank = node.text("bank")
    if bank != path.stem:
        raise node.fail("bank", "must be the name of the file")
    return bank, BankFacts(
        bank=bank,
        categories=frozenset(node.names("categories", frozenset(categories))),
        purposes=frozenset(node.names("purposes", frozenset(purposes))),
        maximum_duration_days=node.number("maximum_duration_days", most=_HARD_MAXIMUM_DAYS),
        maximum_lookback_days=node.number("maximum_lookback_days"),
        maximum_frequency_per_day=node.number("maximum_frequency_per_day"),
        joint_accounts=node.flag("joint_accounts"),
    )


def _notices(folder: Path, language: str) -> tuple[dict[str, str], int]:
    """Return the newest notice of each category in one language, and the highest version among them."""
    newest: dict[str, tuple[int, str]] = {}
    for path in sorted(folder.glob("*.md")):
        match = _NOTICE.fullmatch(path.name)
        if match is None:
            raise ConfigurationInvalid(f"notices/{path.name}: must be named <category>.<language>.v<N>.md")
        version = int(match["version"])
        if match["language"] == language and version > newest.get(match["category"], (0, ""))[0]:
            newest[match["category"]] = (version, path.read_text(encoding="utf-8").strip())
    if not newest:
        raise ConfigurationInvalid(f"notices/: no notice in language {language}")
    return {name: text for name, (_, text) in newest.items()}, max(version for version, _ in newest.values())


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    """Hash names and contents with their lengths, so that nothing can move between two files unseen."""
    total = hashlib.sha256()
    for name, content in parts:
        for piece in (name.encode(), content):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()
