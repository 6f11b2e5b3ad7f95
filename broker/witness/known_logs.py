"""Which logs the witness cosigns, and under which keys: a text file that its operator writes.

One rule a line, `#` begins a comment:

    log   <vkey>                      one log, by its exact origin
    years <vkey of <prefix>/<year>>   that log, and its successors of other years, under the same key

The log of a bank gets a new origin each year, `<prefix>/<year>`, or `<prefix>/<year>-2` after a recovery.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from broker.errors import ConfigurationInvalid
from broker.tlog.errors import Unverifiable
from broker.tlog.note import Ed25519Verifier

_LARGEST_BYTES = 1024 * 1024
_YEAR = re.compile(r"(?P<prefix>.+)/[0-9]{4}(?:-[2-9]|-[1-9][0-9])?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line. `prefix` is None when the origin has to be the key's own name."""

    verifier: Ed25519Verifier
    prefix: str | None = None

    def verifier_of(self, origin: str) -> Ed25519Verifier | None:
        """Return the verifier of this origin under the rule's key, None when the rule does not know the origin."""
        if self.prefix is None:
            return self.verifier if origin == self.verifier.name else None
        if (year := _YEAR.fullmatch(origin)) is None or year["prefix"] != self.prefix:
            return None
        return Ed25519Verifier(origin, self.verifier.public_key)


@dataclass(frozen=True, slots=True)
class KnownLogs:
    """All rules of a witness; several may name one log, as during the rotation of its key."""

    rules: Sequence[Rule]

    def verifiers_of(self, origin: str) -> list[Ed25519Verifier]:
        """Return the verifiers of an origin; none when the witness does not know the log."""
        return [verifier for rule in self.rules if (verifier := rule.verifier_of(origin)) is not None]


def load_logs(path: Path) -> KnownLogs:
    """Read the file.

    Raises:
        ConfigurationInvalid: it cannot be read, or a line is no rule; the line's number is told.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        lines = content.decode("utf-8").splitlines()
    except OSError as error:
        raise ConfigurationInvalid(f"The list of logs {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"The list of logs {path} is not UTF-8.") from error
    if len(content) > _LARGEST_BYTES:
        raise ConfigurationInvalid(f"The list of logs {path} is larger than 1 MiB.")
    return KnownLogs([_rule(path, number, line) for number, line in enumerate(lines, start=1) if _says_something(line)])


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _rule(path: Path, number: int, line: str) -> Rule:
    kind, _, vkey = line.strip().partition(" ")
    try:
        verifier = Ed25519Verifier.of_vkey(vkey.strip())
    except Unverifiable as error:
        raise ConfigurationInvalid(f"Line {number} of {path} holds no usable key: {error.detail}") from error
    year = _YEAR.fullmatch(verifier.name)
    if kind == "years" and year is not None:
        return Rule(verifier, year["prefix"])
    if kind == "log":
        return Rule(verifier)
    raise ConfigurationInvalid(f"Line {number} of {path} is neither `log <vkey>` nor `years <vkey of …/<year>>`.")
