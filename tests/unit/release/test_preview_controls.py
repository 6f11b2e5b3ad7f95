"""Controls: previews and lowered ceilings broken on purpose, in one place each; their tests must find every one."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_PREVIEWS, _PAGE = "tests/unit/release/test_previews.py", "tests/unit/web/test_web_preview.py"
_LOWERED = "tests/unit/banks/test_lowered_ceilings.py"

PLANTS = (
    # The person would be shown other data than what leaves, or somebody more of it.
    Plant(
        "broker/release/previews.py",
        "minimised(release.catalogue, ready.grant, wanted, records, ready.window)",
        "records",
        f"{_PREVIEWS}::same_choice",
    ),
    Plant("broker/release/previews.py", "shown[:MOST_SHOWN]", "shown", f"{_PREVIEWS}::newest_few"),
    Plant("broker/release/previews.py", "if one.account_id in choice.accounts", "", f"{_PREVIEWS}::chosen_accounts"),
    # What is refused would be shown, or asked for without end.
    Plant("broker/release/showing.py", "raise_if_refused(ready.decision)", "pass", f"{_PREVIEWS}::policies_refuse"),
    Plant(
        "broker/release/previews.py",
        "if proposal.status is not GrantStatus.AWAITING_AUTHORISATION:",
        "if False:",
        f"{_PREVIEWS}::was_answered",
    ),
    Plant(
        "broker/release/showing.py",
        "for place in range(self.most))",
        "for place in range(99))",
        f"{_PREVIEWS}::so_many",
    ),
    # The log would not say it, or would say that the platform was there.
    Plant(
        "broker/release/showing.py",
        "event=Event.ACCESS_FAILED",
        "event=Event.ACCESS_PREVIEWED",
        f"{_PREVIEWS}::failed",
    ),
    Plant(
        "broker/release/showing.py",
        "initiator=Initiator.INDIVIDUAL",
        "initiator=Initiator.DATA_RECIPIENT",
        f"{_PREVIEWS}::log_before",
    ),
    # A button that shows would decide, or two would do one thing.
    Plant(
        "broker/web/consent.py",
        "if sum(button is not None for button in found.values()) != 1:",
        "if not any(found.values()):",
        f"{_PAGE}::forged",
    ),
    # More would be granted than the bank allows at that instant.
    Plant(
        "broker/grants/consents.py",
        "return asked if bank is None else bank.left_of(asked)",
        "return asked",
        f"{_LOWERED}::no_more_than",
    ),
    Plant("broker/policy/catalogue.py", "if term.name in self.categories)", ")", f"{_LOWERED}::withdrew"),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_previews_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
