"""Receipts, details and the proof pack: whose they are, what they prove; and the page that checks them."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from sqlalchemy import text
from test_web_passkeys import token_of
from web_world import Browser, World

from broker.audit.verification.pack import verify_pack
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.tlog.checkpoint import open_checkpoint
from broker.tlog.disclosure import Disclosure, check
from broker.tlog.receipt import VerifiedReceipt, verify_receipt
from broker.web import receipts

LINK = re.compile(r'href="((?:/history|/console/\w+)/receipts/[^"]+)"')
DETAILS = re.compile(r'href="(/history/disclosures/[^"]+)"')


def links_on(page: str, pattern: re.Pattern[str] = LINK) -> list[str]:
    return pattern.findall(page)


def verified(world: World, data: bytes) -> VerifiedReceipt:
    origin = f"localhost/audit/harbor/{world.services.clock().year}"
    return verify_receipt(data, world.services.log_keys.verifiers(origin), origin=origin)


def leaf_of(receipt: VerifiedReceipt) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(receipt.leaf)
    return found


def acts(browser: Browser, grant_id: str, act: str, confirmed: bool = True) -> Any:
    yes = [("confirm", "yes")] if confirmed else []
    token = token_of(browser.get("/my-sharing"))
    return browser.post("/my-sharing", [token, ("grant", grant_id), ("action", act), *yes])


def test_every_entry_of_the_history_offers_its_receipt_and_it_verifies(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    links = links_on(maya.get("/history").text)
    assert len(links) == len(set(links)) == 4
    for link in links:
        answer = maya.get(link)
        assert answer.headers["Content-Disposition"].endswith('.tlog-proof"')
        assert answer.mimetype == "text/plain"
        receipt = verified(world, answer.data)
        assert receipt.checkpoint.size == 4
        assert leaf_of(receipt)["number"] == receipt.index == int(link.rsplit("/", 1)[1])


def test_the_details_beside_a_receipt_are_those_that_the_entry_commits_to(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    links = links_on(maya.get("/history").text, DETAILS)
    assert links
    for link in links:
        answer = maya.get(link)
        assert 'filename="harbor-' in answer.headers["Content-Disposition"]
        told = [Disclosure(*one) for one in json.loads(answer.data)]
        leaf = leaf_of(verified(world, maya.get(link.replace("disclosures", "receipts")).data))
        assert check(leaf, told).keys() == {one.name for one in told}
        assert len(told) == len(leaf["_sd"])


def test_somebody_elses_entry_answers_like_one_that_does_not_exist(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    own = links_on(maya.get("/history").text) + links_on(maya.get("/history").text, DETAILS)
    noah = world.browser()
    noah.signs_in(sub="hb-2", name="Noah")
    year = world.services.clock().year
    places = (f"harbor/{year}/99", "harbor/1999/0", f"meridian/{year}/0", f"operator/{year}/0", "a%00b/x/0")
    far = (f"harbor/{year}/{2**63}", f"harbor/{year}/{10**40}", f"harbor/{year}-2/0")
    unknown = [f"/history/{kind}/{place}" for kind in ("receipts", "disclosures") for place in (*places, *far)]
    told = {
        (answer.status_code, answer.json["code"], answer.json["detail"])
        for path in (*own, *unknown)
        for answer in [noah.get(path, Accept="application/json")]
    }
    assert told == {(404, "not-found", "There is no such entry for you.")}


def test_nobody_takes_anything_along_without_a_sign_in(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    audrey = world.browser()
    audrey.signs_in_as_staff()
    for path in (links_on(maya.get("/history").text)[0], "/history/proof-pack"):
        assert world.browser().get(path).status_code == 401
        assert audrey.get(path, Accept="application/json").status_code == 403


def test_after_an_act_the_page_links_the_receipt_of_what_was_done(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    for act, event in (("pause", "grant.paused"), ("resume", "grant.resumed"), ("revoke", "grant.revoked")):
        answer = acts(maya, grant_id, act)
        banner = maya.get(answer.location).text.partition('class="banner"')[2].partition("</div>")[0]
        assert "It is written in the log" in banner
        (link,) = links_on(banner)
        assert leaf_of(verified(world, maya.get(link).data))["event"] == event


def test_an_act_on_everything_links_a_receipt_for_each_and_at_most_ten(world: World, maya: Browser) -> None:
    for _ in range(12):
        world.shares(maya, "balances")
    banner = maya.get(acts(maya, "all", "revoke").location).text.partition('class="banner"')[2].partition("</div>")[0]
    assert len(links_on(banner)) == 10
    assert "and 2 more" in banner


def test_my_sharing_and_the_answered_consent_link_the_receipts_of_a_permission(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    for path in (f"/my-sharing/{grant_id}", f"/consent/{grant_id}"):
        (link,) = links_on(maya.get(path).text)
        assert leaf_of(verified(world, maya.get(link).data))["event"] == "grant.approved"


def test_staff_take_receipts_of_their_own_banks_entries(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    audrey = world.browser()
    audrey.signs_in_as_staff()
    year = world.services.clock().year
    pages = [f"/console/harbor/entries/harbor/{year}/{number}" for number in range(4)]
    assert all(page in audrey.get("/console/harbor/log").text for page in pages)
    links = [link for page in pages for link in links_on(audrey.get(page).text)]
    assert [verified(world, audrey.get(link).data).index for link in links] == [0, 1, 2, 3]
    for bank in ("meridian", None):
        world.services.sequencer.append(Entry(Event.ACCESS_REFUSED, Initiator.DATA_RECIPIENT, bank))
    for path, status in (
        (f"/console/harbor/receipts/meridian/{year}/0", 404),
        (f"/console/harbor/receipts/operator/{year}/0", 404),
        (f"/console/harbor/receipts/harbor/{year}/99", 404),
        (f"/console/meridian/receipts/meridian/{year}/0", 403),
        (f"/console/harbor/entries/meridian/{year}/0", 404),
        (f"/console/harbor/entries/harbor/{year}/99", 404),
        ("/console/harbor/entries/harbor/1999/0", 404),
        (f"/console/harbor/entries/harbor/{year}/{10**30}", 404),
        (f"/console/meridian/entries/meridian/{year}/0", 403),
    ):
        assert audrey.get(path).status_code == status, path


def packed(browser: Browser, query: str = "") -> dict[str, bytes]:
    answer = browser.get(f"/history/proof-pack{query}")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_proof_pack_holds_the_whole_history_and_all_of_it_verifies(
    world: World, maya: Browser, tmp_path: Path
) -> None:
    grant_id = world.shares(maya, "accounts", "balances")
    world.reads(grant_id, "accounts")
    files = packed(maya)
    pack = json.loads(files["pack.json"])
    (log,) = pack["logs"]
    assert (pack["format"], pack["gaps"]) == ("consent-broker-proof-pack/1", [])
    assert log["vkeys"] == list(world.services.log_keys.vkeys(log["origin"]))
    assert [(one["id"], one["version"], one["status"]) for one in pack["grants"]] == [(grant_id, 1, "ACTIVE")]
    assert [one["subjectSeq"] for one in pack["entries"]] == list(range(6))
    verifiers = world.services.log_keys.verifiers(log["origin"])
    stem = "-".join(log["origin"].split("/")[-2:])
    root = open_checkpoint(files[f"checkpoints/{stem}.txt"], verifiers, log["origin"]).root
    for entry in pack["entries"]:
        name = f"{stem}-{entry['number']}"
        receipt = verify_receipt(files[f"receipts/{name}.tlog-proof"], verifiers, origin=log["origin"])
        leaf = leaf_of(receipt)
        assert receipt.checkpoint.root == root
        assert [leaf[member] for member in ("number", "subject", "subjectSeq", "event", "time")] == [
            entry[member] for member in ("number", "subject", "subjectSeq", "event", "time")
        ]
        told = [Disclosure(*one) for one in json.loads(files.get(f"disclosures/{name}.json", b"[]"))]
        assert len(check(leaf, told)) == len(leaf.get("_sd", []))
    assert b"broker audit verify --pack" in files["README.txt"]
    path = tmp_path / "pack.zip"
    path.write_bytes(maya.get("/history/proof-pack").data)
    found = verify_pack(path, None)
    assert (found.grants, found.unproved_grants) == (1, ())  # what the approval disclosed of it is there


def test_a_pack_is_of_one_year_where_that_is_asked_for(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    year = world.services.clock().year
    assert len(json.loads(packed(maya, f"?year={year}")["pack.json"])["entries"]) == 4
    assert json.loads(packed(maya, "?year=1999")["pack.json"])["logs"] == []
    for query in ("?year=x", "?year=20261", f"?year={year}&year={year}", "?year=%C2%B2026"):
        assert maya.get(f"/history/proof-pack{query}").status_code == 400


def test_many_packs_at_once_leave_the_threads_to_others(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    with receipts._PACKING, receipts._PACKING:
        answer = maya.get("/history/proof-pack")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "pack-busy" in answer.text
    assert packed(maya)


def test_who_has_no_history_gets_a_pack_that_says_so(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    noah = world.browser()
    noah.signs_in(sub="hb-2", name="Noah")
    pack = json.loads(packed(noah)["pack.json"])
    assert (pack["logs"], pack["grants"], pack["entries"], pack["gaps"]) == ([], [], [], [])


def test_a_pack_names_what_somebody_took_out_of_the_persons_chain(world: World, maya: Browser, store: Any) -> None:
    world.shares(maya, "balances")
    store.runs("DROP TRIGGER audit_entries_no_delete", "DELETE FROM audit_entries WHERE number IN (1, 2)")
    store.runs("DELETE FROM audit_details")
    pack = json.loads(packed(maya)["pack.json"])
    gaps = [(gap["from"], gap["to"], gap["why"].split(":")[0]) for gap in pack["gaps"]]
    assert gaps == [(0, 0, "the log is damaged"), (1, 2, "not in the database"), (3, 3, "the log is damaged")]


def test_the_page_that_checks_receipts_runs_our_scripts_and_may_reach_nothing(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    answer = world.browser().get("/receipts/verify")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("; script-src 'self'")
    assert "connect-src" not in policy
    assert "unsafe" not in policy
    assert answer.text.count("<script") == 1
    assert "broker audit verify-receipt" in answer.text
    (vkey,) = [vkey for vkey in re.findall(r"<code>([^<]+)</code>", answer.text) if "/harbor/" in vkey]
    assert vkey in world.services.log_keys.vkeys(f"localhost/audit/harbor/{world.services.clock().year}")
    assert "script-src" not in world.browser().get("/").headers["Content-Security-Policy"]
    for script in ("verify-receipt.js", "receipt.js", "disclosure.js"):
        assert world.browser().get(f"/static/{script}").status_code == 200
    assert 'href="/receipts/verify"' in maya.get("/history").text


def test_the_page_that_checks_receipts_is_there_when_a_log_is_damaged(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    with world.services.database.write() as session:
        session.execute(text("UPDATE audit_logs SET frontier = 'x' WHERE owner = 'harbor'"))
    assert "/audit/harbor/" in maya.get("/receipts/verify").text
