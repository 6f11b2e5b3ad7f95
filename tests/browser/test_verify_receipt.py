"""The page that checks receipts, in a real browser that is offline: nothing is asked, nothing is sent."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from broker.tlog.disclosure import Disclosure, digest
from broker.tlog.errors import Unverifiable
from broker.tlog.receipt import verify_receipt
from tests.support.actors import Person
from tests.support.bad_receipts import SIGNER, Case, ambiguous, cases, leaf_of, receipt_of
from tests.support.platform_client import PlatformClient

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]

JUDGED_IN_THE_BROWSER = """async (cases) => {
  const { verifierOfVkey, verifyReceipt } = await import("/static/receipt.js");
  const verdicts = [];
  for (const [data, keys] of cases) {
    try {
      const verifiers = await Promise.all(keys.map(verifierOfVkey));
      await verifyReceipt(Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), async () => verifiers);
      verdicts.push("good");
    } catch (error) {
      verdicts.push(error.code ?? String(error));
    }
  }
  return verdicts;
}"""
DISCLOSED_IN_THE_BROWSER = """async ([leaf, text, answer]) => {
  const { checkAnswer, disclosed } = await import("/static/disclosure.js");
  try {
    const details = await disclosed(leaf, new TextEncoder().encode(text));
    if (answer !== null) await checkAnswer(details, new TextEncoder().encode(answer));
    return details.map(([name]) => name);
  } catch (error) {
    return error.code ?? String(error);
  }
}"""


@dataclass
class Taken:
    """What a person has taken along: the receipt of their approval and the details of it."""

    page: str
    log: str
    number: int
    receipt: Path
    details: Path
    bytes: bytes


@pytest.fixture(scope="module")
def taken(info: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Taken:
    person = Person.of(info, "harbor", 1)
    person.shares(PlatformClient.of(info), "balances")
    row = next(row for row in person.rows("history") if row["event"] == "grant.approved")
    place = f"{'/'.join(row['log'].split('/')[-2:])}/{row['number']}"
    folder, history = tmp_path_factory.mktemp("taken"), info["pages"]["history"]
    files = {}
    for kind, name in (("receipts", "r.tlog-proof"), ("disclosures", "d.json")):
        answer = person.browser.get_json(f"{history}/{kind}/{place}")
        assert answer.status_code == 200, answer.text
        files[kind] = folder / name
        files[kind].write_bytes(answer.content)
    return Taken(
        page=history.replace("/history", "/receipts/verify"),
        log=row["log"],
        number=row["number"],
        receipt=files["receipts"],
        details=files["disclosures"],
        bytes=files["receipts"].read_bytes(),
    )


@pytest.fixture(scope="module")
def phone(chromium: Browser) -> Iterator[Page]:
    context: BrowserContext = chromium.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    yield opened
    context.close()


@pytest.fixture
def reader(phone: Page, taken: Taken) -> Iterator[Page]:
    """A phone on which the page was opened anew, and which has been offline since."""
    complaints: list[str] = []
    listeners: dict[Any, Callable[[Any], None]] = {
        "console": lambda message: complaints.append(message.text),
        "pageerror": lambda error: complaints.append(str(error)),
        "request": lambda request: complaints.append(request.url),
    }
    phone.context.set_offline(False)
    for event in ("console", "pageerror"):
        phone.on(event, listeners[event])
    phone.goto(taken.page)
    expect(phone.get_by_label("Receipt", exact=True)).to_be_visible()
    phone.context.set_offline(True)
    phone.on("request", listeners["request"])
    yield phone
    for event, listener in listeners.items():
        phone.remove_listener(event, listener)
    assert complaints == []


def given(page: Page, data: bytes, label: str = "Receipt") -> None:
    file: Any = {"name": "some.tlog-proof", "mimeType": "text/plain", "buffer": data}
    page.get_by_label(label, exact=True).set_input_files(file)


def verdict(page: Page) -> Any:
    return page.get_by_role("status")


def said(page: Page) -> Any:
    return page.locator("#checker")


def test_a_good_receipt_is_told_in_plain_words_without_any_server(reader: Page, taken: Taken) -> None:
    given(reader, taken.bytes)
    expect(verdict(reader)).to_contain_text("Verified")
    for words in ("Permission given", "Harbor Bank", taken.log, f"{taken.number} (when", "compare it with your bank's"):
        expect(said(reader)).to_contain_text(words)
    reader.get_by_text("Compare more").click()
    given(reader, taken.details.read_bytes(), "Details of the entry")
    expect(said(reader)).to_contain_text("Details that belong to it")
    expect(said(reader)).to_contain_text("Terms that were agreed")
    plain = (
        said(reader)
        .locator("#said")
        .evaluate(
            "(node) => { const copy = node.cloneNode(true);"
            " copy.querySelectorAll('code').forEach((one) => one.remove()); return copy.textContent; }"
        )
    )
    for words in ("Who acted", "the customer", "Answer your questions", "Show it as it was written"):
        assert words in plain, words
    for code in ("grant.approved", "INDIVIDUAL", "chat_banking", "{"):
        assert code not in plain, code
    assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_was_changed_is_refused_with_what_is_wrong(reader: Page, taken: Taken) -> None:
    leaf = re.search(rb"^extra (.+)$", taken.bytes, re.MULTILINE)
    assert leaf is not None
    lie = base64.b64encode(base64.b64decode(leaf[1]).replace(b"grant.approved", b"grant.refused"))
    for data, words in (
        (taken.bytes.replace(leaf[1], lie), "inclusion-unproven"),
        (taken.bytes[:-30], "note-malformed"),
        (taken.bytes.replace(b"\n\n", b"\n", 1), "proof-malformed"),
        (taken.bytes.replace(taken.log.encode(), b"elsewhere.example/audit/harbor/2026"), "signature-missing"),
        (b"no receipt", "not a receipt"),
    ):
        given(reader, data)
        expect(verdict(reader)).to_contain_text("Not verified")
        expect(verdict(reader)).to_contain_text(words)
    given(reader, taken.bytes)
    expect(verdict(reader)).to_contain_text("Verified")


def test_a_key_from_elsewhere_alone_counts(reader: Page, taken: Taken) -> None:
    given(reader, taken.bytes)
    shown = said(reader).locator("#said code").last.inner_text()
    assert shown.startswith(f"{taken.log}+")
    reader.get_by_text("Use a key that you have from elsewhere").click()
    keys = reader.get_by_label("Keys of logs and witnesses, one on each line")
    keys.fill(SIGNER.vkey)
    expect(verdict(reader)).to_contain_text("signature-missing")
    keys.fill(shown[:-2])
    expect(verdict(reader)).to_contain_text("key-malformed")
    keys.fill(f"{SIGNER.vkey}\n{shown}\n")
    expect(said(reader)).to_contain_text("by the key that you pasted")


def test_a_dropped_file_is_taken_like_a_chosen_one(reader: Page, taken: Taken) -> None:
    reader.evaluate(
        """(text) => {
          const files = new DataTransfer();
          files.items.add(new File([text], "r.tlog-proof"));
          const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
          document.querySelector("#receipt").dispatchEvent(drop);
        }""",
        taken.bytes.decode(),
    )
    expect(verdict(reader)).to_contain_text("Verified")


def test_a_receipt_that_the_program_accepts_is_the_one_that_the_page_accepts(reader: Page, taken: Taken) -> None:
    vkeys = [*reader.locator(".keys code").all_inner_texts()]
    case = Case("taken", taken.bytes, tuple(vkeys))
    assert case.verdict() == "good"
    with pytest.raises(Unverifiable):
        verify_receipt(taken.bytes, [])


def test_page_and_program_give_the_same_verdict_on_every_bad_receipt(chromium: Browser, taken: Taken) -> None:
    page = chromium.new_page()
    page.goto(taken.page)
    asked = [[base64.b64encode(case.data).decode(), list(case.keys)] for case in cases()]
    verdicts = page.evaluate(JUDGED_IN_THE_BROWSER, asked)
    page.close()
    differing = [(case.name, found) for case, found in zip(cases(), verdicts, strict=True) if found != case.verdict()]
    assert differing == []
    assert len(cases()) >= 400
    assert 20 <= verdicts.count("good") <= 60


def test_the_page_refuses_an_entry_that_not_everybody_reads_alike(reader: Page) -> None:
    reader.get_by_text("Use a key that you have from elsewhere").click()
    reader.get_by_label("Keys of logs and witnesses").fill(SIGNER.vkey)
    given(reader, receipt_of(leaf_of(0)))
    expect(verdict(reader)).to_contain_text("Verified")
    for _, leaf in ambiguous(leaf_of(0)):
        given(reader, receipt_of(leaf))
        expect(verdict(reader)).to_contain_text(re.compile("leaf-(not-canonical|malformed)"))


def test_page_and_program_read_the_same_details(chromium: Browser, taken: Taken) -> None:
    page = chromium.new_page()
    page.goto(taken.page)
    salt = "AAECAwQFBgcICQoLDA0ODw"
    answer = hashlib.sha256(b"[1]").hexdigest()
    details = [
        Disclosure(salt, "customer", 'Zoë "Z" \\ \u2028 😀 \x7f\t'),
        Disclosure(salt, "accounts", ["a/1", "ß"]),
        Disclosure(salt, "terms", {"days": 90, "none": None, "nested": {"b": [1, -2], "a": True}}),
        Disclosure(salt, "responseDigest", answer),
    ]
    leaf = {"_sd": [digest(one) for one in details]}
    whole = json.dumps(details)
    changed = json.dumps([*details[:1], [salt, "accounts", ["a/2", "ß"]]])
    for asked, told in (
        ([leaf, whole, None], ["customer", "accounts", "terms", "responseDigest"]),
        ([leaf, whole, "[1]"], ["customer", "accounts", "terms", "responseDigest"]),
        ([leaf, whole, "[2]"], "answer-different"),
        ([leaf, json.dumps(details[:3]), "[1]"], "answer-not-disclosed"),
        ([leaf, json.dumps([details[1], details[1]]), None], "disclosure-unproven"),
        ([leaf, changed, None], "disclosure-unproven"),
        ([{}, whole, None], "disclosure-unproven"),
        ([leaf, "[[]]", None], "disclosure-malformed"),
        ([leaf, '[["AA", "customer", 1]]', None], "disclosure-malformed"),
        ([leaf, "{", None], "disclosure-malformed"),
    ):
        assert page.evaluate(DISCLOSED_IN_THE_BROWSER, asked) == told
    page.close()


def test_without_scripts_the_page_names_the_command(page: Page, taken: Taken) -> None:
    page.goto(taken.page)
    expect(page.get_by_text("needs JavaScript")).to_be_visible()
    expect(page.get_by_text("broker audit verify-receipt FILE")).to_be_visible()
    expect(page.locator("#checker")).to_be_hidden()


def test_a_browser_without_ed25519_says_so(chromium: Browser, taken: Taken) -> None:
    context = chromium.new_context()
    context.add_init_script(
        "const real = crypto.subtle.importKey.bind(crypto.subtle); crypto.subtle.importKey = (...asked) => "
        "asked[2].name === 'Ed25519' ? Promise.reject(new DOMException('', 'NotSupportedError')) : real(...asked);"
    )
    page = context.new_page()
    page.goto(taken.page)
    expect(page.get_by_text("cannot check Ed25519 signatures")).to_be_visible()
    expect(page.locator("#checker")).to_be_hidden()
    context.close()
