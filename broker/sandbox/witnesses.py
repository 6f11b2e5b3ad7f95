"""The witnesses of a sandbox world: one for each bank, with a key of its own, knowing every log of the broker."""

from dataclasses import dataclass
from pathlib import Path

from broker.audit.log_keys import LogKeys
from broker.audit.vocabulary import OPERATOR_LOG
from broker.clock import system_clock
from broker.sandbox.layout import Layout, SandboxBank
from broker.witness.key import generate_key, load_key

QUORUM = 1


@dataclass(frozen=True, slots=True)
class SandboxWitness:
    """One witness: the bank that runs it, its folder, its port, and how the broker knows it."""

    bank: SandboxBank
    folder: Path
    vkey: str

    @property
    def process(self) -> str:
        """Return the name of its process."""
        return f"witness-{self.bank.id}"

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://localhost:{self.bank.witness_port}"

    @property
    def command(self) -> list[str]:
        """Return what `python -m` runs."""
        return [
            *("broker", "audit", "witness", "run"),
            *("--folder", str(self.folder)),
            *("--port", str(self.bank.witness_port)),
        ]


def prepare(layout: Layout, keys: LogKeys, host: str) -> list[SandboxWitness]:
    """Make each witness's key at the first start, and tell it which logs there are and will be."""
    year = system_clock().year
    owners = [*(bank.id for bank in layout.banks), OPERATOR_LOG]
    rules = [f"years {vkey}\n" for owner in owners for vkey in keys.vkeys(f"{host}/audit/{owner}/{year}")]
    return [_prepared(layout, bank, rules) for bank in layout.banks]


def _prepared(layout: Layout, bank: SandboxBank, rules: list[str]) -> SandboxWitness:
    folder = layout.folder(f"witness-{bank.id}")
    key_file = folder / "key.json"
    cosigner = load_key(key_file) if key_file.exists() else generate_key(key_file, f"{bank.id}.sandbox/witness")
    (folder / "logs.txt").write_text("".join(rules), encoding="utf-8")
    return SandboxWitness(bank, folder, cosigner.vkey)
