"""Cases that a set of policies must decide as they say: allowed, or refused by a rule that they name.

A case says only in what it differs from the usual question of its moment (`tests/request.json`, `tests/release.json`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from broker.errors import ConfigurationInvalid
from broker.policy.catalogue import BankFacts, Catalogue
from broker.policy.contexts import ReleaseContext, RequestContext
from broker.policy.rules import decide

_FOLDER = "tests"
_MOMENTS: dict[str, type[RequestContext | ReleaseContext]] = {"request": RequestContext, "release": ReleaseContext}
_KEYS = frozenset({"says", "moment", "differs", "bank", "rule"})
_MOST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Case:
    """One question with the answer that is expected. `rule` is None where it is to be allowed."""

    file: str
    says: str
    rule: str | None
    context: RequestContext | ReleaseContext


def read_cases(folder: Path, catalogue: Catalogue) -> list[Case]:
    """Read the cases below a folder of policies, by name.

    Raises:
        ConfigurationInvalid: a case cannot be read, or there is none; the message names the file.
    """
    usual = {moment: _object(folder, folder / _FOLDER / f"{moment}.json") for moment in _MOMENTS}
    found = list(_cases(folder, catalogue, usual))
    if not found:
        raise ConfigurationInvalid(f"{_FOLDER}/: there are no cases")
    return found


def mistakes(catalogue: Catalogue, case: Case) -> Iterator[str]:
    """Say in what the policies judge the case in another way than it expects; nothing when they agree."""
    told = [reason.rule for reason in decide(catalogue, case.context).reasons]
    if case.rule is None and told:
        yield f"{case.file}: refused by {', '.join(told)}; expected to be allowed: {case.says}"
    elif case.rule is not None and not told:
        yield f"{case.file}: allowed; expected to be refused by {case.rule}: {case.says}"
    elif case.rule is not None and told[0] != case.rule:
        yield f"{case.file}: refused by {told[0]} first; expected {case.rule}: {case.says}"


def _cases(folder: Path, catalogue: Catalogue, usual: Mapping[str, dict[str, Any]]) -> Iterator[Case]:
    for answer in ("ALLOW", "DENY"):
        for path in sorted((folder / _FOLDER / answer).glob("*.json")):
            name = path.relative_to(folder).as_posix()
            case = _object(folder, path)
            _check(name, case, is_refused=answer == "DENY")
            moment = case["moment"]
            try:
                asked = _differing(usual[moment], case.get("differs", {}))
                bank = _bank(catalogue, asked.get("bank"), case.get("bank", {}))
                context = _MOMENTS[moment].from_json(asked, bank)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ConfigurationInvalid(f"{name}: is no question to the policies: {error}") from error
            yield Case(name, case["says"], case.get("rule"), context)


def _check(name: str, case: Mapping[str, Any], *, is_refused: bool) -> None:
    if unknown := sorted(case.keys() - _KEYS):
        raise ConfigurationInvalid(f"{name}: {unknown[0]}: is not known here; known are {', '.join(sorted(_KEYS))}")
    if not isinstance(case.get("says"), str) or not case["says"].strip():
        raise ConfigurationInvalid(f"{name}: says: must be a sentence about the case")
    if case.get("moment") not in tuple(_MOMENTS):
        raise ConfigurationInvalid(f"{name}: moment: must be one of {', '.join(_MOMENTS)}")
    if isinstance(case.get("rule"), str) is not is_refused:
        raise ConfigurationInvalid(f"{name}: rule: a case in DENY names the rule that refuses it, one in ALLOW none")


def _object(folder: Path, path: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationInvalid(f"{name}: cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise ConfigurationInvalid(f"{name}: is larger than {_MOST_BYTES} bytes")
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        raise ConfigurationInvalid(f"{name}:{error.lineno}:{error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationInvalid(f"{name}: not readable as JSON") from error
    if not isinstance(value, dict):
        raise ConfigurationInvalid(f"{name}: must be an object")
    return value


def _differing(usual: Mapping[str, Any], differs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usual question with what differs; a name that it does not have is a mistake."""
    if unknown := sorted(differs.keys() - usual.keys()):
        raise ValueError(f"there is no {unknown[0]} in it")
    return {
        name: _differing(value, differs[name])
        if isinstance(value, dict) and name != "accounts" and name in differs
        else differs.get(name, value)
        for name, value in usual.items()
    }


def _bank(catalogue: Catalogue, bank_id: str | None, differs: Mapping[str, Any]) -> BankFacts | None:
    facts = catalogue.banks.get(bank_id or "")
    if facts is None:
        return None
    changed: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value for name, value in differs.items()
    }
    return replace(facts, **changed)
