"""The negative controls of row 18: faults in a copy of the product that the matrix must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_CELLS = "tests/reliability/test_row_18_isolation.py"
_PAGES = "tests/reliability/test_row_18_pages.py"
_BANK_LOG = "tests/unit/audit/test_bank_log.py"
PLANTS = (
    # An account that is not shared is told from one that does not exist.
    Plant(
        "policies/00-baseline.cedar",
        'unless { context.grant.accountStates == ["ACTIVE"] };',
        'when { context.grant.accountStates == ["NONE"] };\n@id("told") @code("account-not-granted") @reason("Gone.")\n'
        'forbid (principal, action == Action::"release", resource) unless { context.grant.accountStates == ["NONE"] };',
        f"{_CELLS}::what_a_refusal_says",
    ),
    # Accounts are cut twice (`release.records`, `policy.minimise`): either alone holds, so what both rely on is broken.
    Plant("broker/release/asking.py", "if self.account_id in {None, a.account_id}", "if True", f"{_CELLS}::every_cell"),
    Plant(
        "broker/policy/questions.py",
        '"tokenNamesCategory": context.category in context.token_categories',
        '"tokenNamesCategory": True',
        f"{_CELLS}::every_cell",
    ),
    Plant(
        "broker/grants/views.py",
        "return tuple(account for account in self.accounts if account.state is ClusterState.ACTIVE)",
        "return tuple(self.accounts)",
        f"{_CELLS}::every_cell",
    ),
    Plant("broker/policy/catalogue.py", "if self.from_detail and (", "if False and (", f"{_CELLS}::every_cell"),
    Plant("broker/policy/minimise.py", "else at.date()", "else at", f"{_CELLS}::every_cell"),
    Plant(
        "broker/web/proposals.py",
        "if asked is None or asked.user_id != actor().user_id:",
        "if asked is None:",
        f"{_PAGES}::consent_page",
    ),
    Plant(
        "broker/grants/reader.py",
        "query = select(GrantRow).where(GrantRow.user_id == user_id)",
        "query = select(GrantRow)",
        f"{_PAGES}::their_own",
    ),
    Plant(
        "broker/audit/bank_log.py",
        ".where(LogState.owner == bank_id)\n        .where(LogState.is_dropped.is_(False), LogState.size > 0)",
        ".where(LogState.is_dropped.is_(False), LogState.size > 0)",
        f"{_PAGES}::console_is",
    ),
    Plant(
        "broker/audit/bank_log.py",
        "names = session.scalars(select(LogState.name).where(LogState.owner == bank_id))",
        "names = session.scalars(select(LogState.name).order_by(LogState.name.desc()))",
        f"{_BANK_LOG}::nobody_reads",
    ),
    Plant(
        "broker/audit/bank_log.py",
        ".where(SubjectRow.bank_id == bank_id, about)",
        ".where(about)",
        f"{_BANK_LOG}::customer_is_found",
    ),
    Plant(
        "broker/edge/gates.py",
        "found.bank_id and found.bank_id == bank_id:",
        "found.bank_id:",
        f"{_PAGES}::console_is",
    ),
    Plant(
        "broker/tokens/service.py",
        "if row is None or row.platform_id != platform_id:",
        "if row is None:",
        f"{_PAGES}::like_no_tokens",
    ),
    Plant(
        "broker/oauth/introspection.py",
        "return token.platform_id == platform.id",
        "return True",
        f"{_PAGES}::like_no_tokens",
    ),
    Plant(
        "broker/oauth/answer.py",
        "if kept is None or (kept.browser != browser_id() and not _is_decided_by_visitor(proposals)):",
        "if kept is None:",
        f"{_PAGES}::came_first",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_the_matrix_finds_every_planted_fault(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
