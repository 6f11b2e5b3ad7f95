"""The tables of errors are complete, and every code is on the page of errors."""

import ast
import re
from collections.abc import Iterator

from broker.edge import problems
from broker.errors import BrokerError
from broker.oauth import errors as oauth
from broker.policy.decision import OWN_RULES
from broker.policy.loading import load_catalogue
from broker.policy.vocabulary import GrantStatus
from broker.settings import default_policies_dir
from tests.architecture.pages import REFERENCE, first_cells, rows, section
from tests.architecture.tree import PACKAGE, called, nodes, product_files, text_of

_PAGE = REFERENCE / "errors.md"
_EVENTS = REFERENCE / "events.md"
_HYPHENATED = re.compile(r"[a-z]+(-[a-z]+)+")
_FINAL = {f"grant-{status.value.lower()}" for status in GrantStatus if status.is_final}


def kinds(of: type[BrokerError] = BrokerError) -> Iterator[type[BrokerError]]:
    yield of
    for child in of.__subclasses__():
        yield from kinds(child)


def calls(*names: str) -> Iterator[ast.Call]:
    for path in product_files():
        if PACKAGE / "sandbox" not in path.parents:
            yield from (node for node in nodes(path) if isinstance(node, ast.Call) and called(node) in names)


def first_argument(call: ast.Call) -> Iterator[str]:
    yield from (text for argument in call.args[:1] if (text := text_of(argument)) is not None)


def reason_codes() -> set[str]:
    """What the policies and the releases give as reasons."""
    written = {code for call in calls("Reason") for code in first_argument(call)}
    return written | load_catalogue(default_policies_dir()).engine.rulebook.codes


def codes_of_conditions() -> Iterator[str]:
    """What a condition that does not hold is told as: the caller's code and the log's reason."""
    for call in calls("Loss"):
        yield from first_argument(call)


def own_rules() -> set[str]:
    """The rules that no policy file knows: those of lost conditions, and of the broker's own second look."""
    lost, judged = (
        {text_of(call.args[1]) or "" for call in calls(name) if call.args[1:]} for name in ("Loss", "Reason")
    )
    return lost | {rule for rule in judged if rule.startswith(OWN_RULES)}


def codes_given() -> Iterator[str]:
    """Every code that stands in the source beside the classes' own."""
    names = [kind.__name__ for kind in kinds()]
    for call in calls(*names, "OAuthRefused"):
        for keyword in call.keywords:
            if keyword.arg == "code" and (code := text_of(keyword.value)) is not None:
                yield code
    yield from reason_codes() | _FINAL
    yield from codes_of_conditions()
    for table in ("edge/problems.py", "cli/serving/refusals.py"):
        for node in nodes(PACKAGE / table):
            if (text := text_of(node)) is not None and _HYPHENATED.fullmatch(text):
                yield text


def oauth_errors() -> Iterator[str]:
    for call in calls("OAuthRefused"):
        yield from first_argument(call)
    for call in calls("with_error"):
        yield from (text for argument in call.args[1:2] if (text := text_of(argument)) is not None)
    yield from (name for _, name in oauth.TABLE.values())


def test_the_rules_of_the_broker_itself_have_their_prefix_and_a_line_in_the_docs() -> None:
    told = {cell.strip("`") for cell in first_cells(section(_PAGE, "Rules of the broker itself"))}
    assert own_rules() == told
    assert all(rule.startswith(OWN_RULES) for rule in told)


def test_every_kind_of_error_has_its_own_line_in_the_table_to_http() -> None:
    assert set(problems.TABLE) == set(kinds())


def test_every_kind_of_error_has_an_oauth_form() -> None:
    for kind in kinds():
        assert any(parent in oauth.TABLE for parent in kind.__mro__), kind


def test_every_kind_of_error_is_documented_with_its_code_and_its_status() -> None:
    told = {kind: (code, int(status)) for kind, code, status, _ in rows(section(_PAGE, "Kinds"))}
    assert told == {kind.__name__: (kind.code, problems.TABLE[kind][0]) for kind in kinds()}


def test_every_finer_code_is_documented_and_nothing_else_is() -> None:
    own = {kind.code for kind in kinds()}
    told = first_cells(section(_PAGE, "Finer codes"))
    assert len(told) == len(set(told))
    assert set(told) == set(codes_given()) - own


def codes_of_the_verifier() -> set[str]:
    """Every text in `broker.tlog` that stands where a code does: first in a refusal, as `code`, or as `_CODE`."""
    found: set[str | None] = set()
    for path in (PACKAGE / "tlog").glob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_CODE":
                found.add(text_of(node.value))
            if isinstance(node, ast.Call):
                found |= {text_of(keyword.value) for keyword in node.keywords if keyword.arg == "code"}
                found |= {text_of(node.args[0])} if called(node) == "Unverifiable" else set()
    return {code for code in found if code is not None}


def test_every_code_of_the_verifier_is_documented_and_nothing_else_is() -> None:
    told = first_cells(section(_PAGE, "What does not verify"))
    assert len(told) == len(set(told))
    assert set(told) == codes_of_the_verifier()


def test_every_oauth_error_is_documented_and_nothing_else_is() -> None:
    told = first_cells(section(_PAGE, "OAuth errors"))
    assert len(told) == len(set(told))
    assert set(told) == set(oauth_errors())


def test_a_code_is_lower_case_words_with_hyphens() -> None:
    word = re.compile(r"[a-z]+(-[a-z]+)*")
    assert all(word.fullmatch(code) for code in {*codes_given(), *(kind.code for kind in kinds())})


def test_a_message_of_an_error_is_a_sentence() -> None:
    assert all(kind.detail.endswith(".") and kind.detail[0].isupper() for kind in kinds())


def test_every_reason_of_the_log_is_documented_and_every_documented_one_stands_in_the_source() -> None:
    told = first_cells(section(_EVENTS, "Reasons"))
    assert len(told) == len(set(told))
    assert reason_codes() | set(codes_of_conditions()) <= set(told)
    files = [*product_files(), *default_policies_dir().glob("*.cedar")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    for reason in told:
        stem = reason.removesuffix("-replayed")
        assert f'"{reason}"' in source or f'"{stem}"' in source or reason in _FINAL, reason
