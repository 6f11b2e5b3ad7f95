"""A person takes everything along, and whoever has the log's key checks it without the broker."""

import io
import json
import zipfile
from typing import Any

from broker.tlog.disclosure import Disclosure, check
from broker.tlog.note import Ed25519Verifier
from broker.tlog.receipt import verify_receipt
from tests.support.actors import Person, Staff
from tests.support.platform_client import PlatformClient


def test_a_person_takes_the_whole_history_along_and_all_of_it_verifies(info: dict[str, Any]) -> None:
    client, person = PlatformClient.of(info), Person.of(info, "harbor", 2)
    tokens = person.shares(client, "accounts", "balances")
    assert client.call(info["api"]["account_balances"], tokens.access).status_code == 200
    person.acts("revoke", tokens.answer["grant_id"])
    answer = person.browser.get_json(f"{info['pages']['history']}/proof-pack")
    assert answer.status_code == 200, answer.text
    files = zipfile.ZipFile(io.BytesIO(answer.content))
    pack = json.loads(files.read("pack.json"))
    verifiers = [Ed25519Verifier.of_vkey(vkey) for log in pack["logs"] for vkey in log["vkeys"]]
    events = []
    for entry in pack["entries"]:
        name = f"{'-'.join(entry['origin'].split('/')[-2:])}-{entry['number']}"
        leaf = json.loads(verify_receipt(files.read(f"receipts/{name}.tlog-proof"), verifiers).leaf)
        told = f"disclosures/{name}.json"
        details = json.loads(files.read(told)) if told in files.namelist() else []
        assert len(check(leaf, [Disclosure(*one) for one in details])) == len(leaf.get("_sd", []))
        events.append(leaf["event"])
    assert pack["gaps"] == []
    assert events[-3:] == ["access.requested", "access.released", "grant.revoked"]
    assert {row["number"] for row in person.rows("history")} <= {entry["number"] for entry in pack["entries"]}
    staff = Staff(info, "harbor")
    staff.opens_console()
    assert staff.browser.get_json(f"{info['pages']['history']}/proof-pack").status_code == 403
