"""The header by which a platform says that the person is there, and policies under which long tests may read on.

With few people and very many reads a test looks like a harvest: its budgets are wide.
"""

import re
import shutil
from dataclasses import replace
from pathlib import Path

from broker.policy import Catalogue
from broker.settings import default_policies_dir

PRESENT = {"x-fapi-customer-ip-address": "192.0.2.7"}
_MANY, _MOST = 10_000, 1_000_000


def patient(catalogue: Catalogue) -> Catalogue:
    """Let platforms read as often as a test wants to while the person is there."""
    purposes = {code: replace(one, maximum_attended_per_day=_MANY) for code, one in catalogue.purposes.items()}
    budgets = tuple(replace(one, base=_MOST) for one in catalogue.harvest.all)
    return replace(catalogue, purposes=purposes, harvest=replace(catalogue.harvest, all=budgets))


def patient_policies(folder: Path) -> Path:
    """Write the shipped policies into a folder, for a broker of its own, patient as above."""
    made = Path(shutil.copytree(default_policies_dir(), folder / "policies", dirs_exist_ok=True))
    _set(made / "purposes.yaml", "maximum_attended_per_day", _MANY)
    _set(made / "harvest.yaml", "base", _MOST)
    return made


def _set(file: Path, key: str, number: int) -> None:
    text, count = re.subn(rf"\b{key}: \d+", f"{key}: {number}", file.read_text())
    assert count
    file.write_text(text)
