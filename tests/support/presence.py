"""The header by which a platform says that the person is there, and policies under which long tests may read on."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

from broker.policy import Catalogue
from broker.settings import default_policies_dir

PRESENT = {"x-fapi-customer-ip-address": "192.0.2.7"}
_MANY = 10_000


def patient(catalogue: Catalogue) -> Catalogue:
    """Let platforms read as often as a test wants to while the person is there."""
    purposes = {code: replace(one, maximum_attended_per_day=_MANY) for code, one in catalogue.purposes.items()}
    return replace(catalogue, purposes=purposes)


def patient_policies(folder: Path) -> Path:
    """Write the shipped policies into a folder, for a broker of its own, patient as above."""
    made = Path(shutil.copytree(default_policies_dir(), folder / "policies", dirs_exist_ok=True))
    file = made / "purposes.yaml"
    text, count = re.subn(r"maximum_attended_per_day: \d+", f"maximum_attended_per_day: {_MANY}", file.read_text())
    assert count
    file.write_text(text)
    return made
