"""The witnesses that the operator has configured: who they are, where they answer, how many must confirm a log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from broker.errors import ConfigurationInvalid
from broker.settings import Settings
from broker.tlog.cosignature import CosignatureVerifier
from broker.tlog.errors import Unverifiable

_URL = re.compile(r"https?://[!-~]+")
_MOST = 16


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness: the key by which its cosignatures are known, and the prefix of its addresses, without a slash."""

    verifier: CosignatureVerifier
    url: str

    @property
    def name(self) -> str:
        """Return the name that stands in its signature lines."""
        return self.verifier.name


@dataclass(frozen=True, slots=True)
class Witnesses:
    """All witnesses. `quorum` of them must confirm a log before a process writes accesses to it; 0 without any."""

    members: tuple[Witness, ...]
    quorum: int


def configured_witnesses(settings: Settings) -> Witnesses:
    """Read BROKER_WITNESSES and BROKER_WITNESS_QUORUM; without a word of the operator the majority is the quorum.

    Raises:
        ConfigurationInvalid: an entry is not `<vkey> <url>`, one stands twice, or the quorum exceeds their number.
    """
    members = tuple(_witness(number, entry) for number, entry in enumerate(settings.witnesses, start=1))
    _refuse_doubles([member.name for member in members])
    _refuse_doubles([member.verifier.public_key.hex() for member in members])
    if len(members) > _MOST:
        raise ConfigurationInvalid(f"BROKER_WITNESSES names more than {_MOST} witnesses.")
    majority = len(members) // 2 + 1 if members else 0
    quorum = settings.witness_quorum if settings.witness_quorum is not None else majority
    if quorum > len(members):
        raise ConfigurationInvalid("BROKER_WITNESS_QUORUM is larger than the number of BROKER_WITNESSES.")
    return Witnesses(members, quorum)


def _witness(number: int, entry: str) -> Witness:
    vkey, _, url = entry.partition(" ")
    try:
        verifier = CosignatureVerifier.of_vkey(vkey)
    except Unverifiable as error:
        raise ConfigurationInvalid(f"Entry {number} of BROKER_WITNESSES holds no usable key: {error.detail}") from error
    if not _URL.fullmatch(url) or "?" in url or "#" in url:
        raise ConfigurationInvalid(f"Entry {number} of BROKER_WITNESSES is not `<vkey> <url>`.")
    return Witness(verifier, url.rstrip("/"))


def _refuse_doubles(values: Sequence[str]) -> None:
    if len(set(values)) != len(values):
        # One key in two entries would count twice for the quorum.
        raise ConfigurationInvalid("BROKER_WITNESSES names a witness or a key twice.")
