"""One good request for each route of the application, with every part open to tampering."""

import itertools
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from marshmallow import Schema
from werkzeug.datastructures import MultiDict
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import broker
from broker.api import schemas
from broker.audit import credentials
from broker.banks.facts import in_force
from broker.crypto.digests import new_secret
from broker.edge import gates
from broker.edge.session import DatabaseSessions
from broker.edge.visitor import Visitor
from broker.events import streams
from broker.grants.acts import Actor
from broker.grants.deletion_views import newest_of
from broker.mounts import MOUNT_TABLE
from broker.platforms import initial_tokens, people
from broker.platforms.key_sets import NO_KEYS
from broker.platforms.registration_tokens import entrust
from broker.platforms.service import Platform as Client
from broker.platforms.service import PlatformKind
from broker.platforms.service import add as add_platform
from broker.policy.vocabulary import MachineScope
from broker.switches.reader import concerning
from broker.switches.views import Target
from broker.tokens.machine import issue_machine
from broker.web.forms import Form
from tests.support.edge import BASE, Platform
from tests.support.platform_client import details
from tests.support.presence import PRESENT
from tests.support.town import CALLBACK, Town, csrf_token
from tests.support.town_client import authenticated

SAFE = {"GET", "HEAD", "OPTIONS"}
GATES = {mount.blueprint.name: mount.gate for mount in MOUNT_TABLE}
_READ = re.compile(r'(?:form|parameters|sent)\.get\(\s*"(\w+)"|required\(\w+, "(\w+)"\)|"(\w+)" in form')


@dataclass
class Ask:
    """One request. `form` is None for a GET."""

    browser: FlaskClient
    method: str
    path: str
    query: MultiDict[str, str] = field(default_factory=MultiDict)
    form: MultiDict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    caller: Platform | None = None
    body: str | bytes | None = None

    def sends(self) -> TestResponse:
        headers = dict(self.headers)
        if self.caller is not None:
            proof = self.caller.proof(self.path, method=self.method)
            headers = {"Authorization": f"DPoP {self.caller.token}", "DPoP": proof, **PRESENT, **headers}
        return self.browser.open(
            self.path,
            method=self.method,
            base_url=BASE,
            query_string=self.query,
            data=self.body or self.form,
            headers=headers,
        )


def parameter_names() -> list[str]:
    """Every name that any route reads, found in the schemas and the sources: a new one joins by itself."""
    found = set()
    for schema in (*_kinds(Form), *_kinds(schemas.EmptyQuery)):
        found |= {value.data_key or name for name, value in schema().fields.items()}
    for file in sorted(Path(broker.__file__).parent.glob("oauth/*.py")):
        for names in _READ.findall(file.read_text(encoding="utf-8")):
            found |= {name for name in names if name}
    return sorted(found)


def _kinds(schema: type[Schema]) -> list[type[Schema]]:
    return [kind for child in schema.__subclasses__() for kind in (child, *_kinds(child))]


def gate_of(rule: Rule) -> gates.Gate:
    return GATES[rule.endpoint.rpartition(".")[0]]


@dataclass
class Asker:
    """Makes good requests in one town."""

    town: Town

    def __post_init__(self) -> None:
        self._answers = itertools.cycle(({"confirm": "yes"}, {}))
        self.share = next(share for share in self.town.shares if share.fate == "live" and "transactions" in share.terms)
        self.caller = self.town.caller(self.share, self.town.categories)
        self.person = self.town.visitor(self.share.person)
        self.staff = Visitor(self.share.bank, "Audrey", role="admin")
        catalogue = self.town.services.catalogue
        terms = tuple(catalogue.categories[name].least() for name in self.town.categories)
        asked = catalogue.complete(purpose=catalogue.purposes["chat_banking"], categories=terms)
        self.proposal = self.town.proposes(self.share.person, self.share.bank, "messenger", asked)
        with self.town.app.app_context():
            self.cookie = DatabaseSessions().cookie_name_of()
        self.known = {
            "account_id": next(iter(self.share.accounts)),
            "grant_id": self.proposal,
            "bank_id": self.share.bank,
            "owner": self.share.bank,
            "year": str(self.town.house.watch().year),
            "number": "3",
            "level": "0",
            "place": "000.p/3",
            "passkey_id": "019aa9d5-3c1e-7b50-a0a5-0a7c4a51f3de",
            "platform_id": self.share.platform,
            "client_id": "registered",
            "deletion_id": self._deletion(),
            "alert_id": "a-1",
            "stream_id": self._stream(),
        }
        with self.town.house.database.write() as session:
            _, self.credential = credentials.create(session, self.share.bank, self.town.house.watch())
            one, self.link = people.invite(session, self.share.platform, "Dana", self.town.house.watch())
        self.developer = Visitor("", one.name, role="developer", platform_id=one.platform_id, person_id=one.id)
        self.machine = self._machine()

    def _deletion(self) -> str:
        """A request to delete what the platform has of the share."""
        house = self.town.house
        house.deletions.request(Actor(self.person.user_id, "0" * 8), self.share.grant_id)
        with house.database.read() as session:
            return newest_of(session, [self.share.grant_id], house.watch())[self.share.grant_id].id

    def _stream(self) -> str:
        """The stream of events of the share's platform, which polls."""
        house = self.town.house
        with house.database.write() as session:
            found = streams.find(session, self.share.platform)
            if found is None:
                found = streams.create(
                    session, house.sealer, self.share.platform, streams.Wish(), allowed=(), now=house.watch()
                )
            return found.id

    def _machine(self) -> Platform:
        """The platform of the share, with a token for itself."""
        caller = self.town.caller(self.share, self.town.categories)
        with self.town.house.database.write() as session:
            caller.token, _ = issue_machine(
                session,
                platform_id=self.share.platform,
                jkt=caller.key.thumbprint(),
                scopes=tuple(MachineScope),
                requires_nonce=False,
                now=self.town.house.watch(),
            )
        return caller

    def _grant_of_machine(self, method: str) -> str:
        """A grant to look at, or one to end that has ended already: the others are needed."""
        fate = "live" if method in SAFE else "revoked"
        fits = (one.platform == self.share.platform and one.fate == fate for one in self.town.shares)
        return next(one.grant_id for one, fit in zip(self.town.shares, fits, strict=True) if fit)

    def rules(self) -> list[tuple[Rule, str]]:
        every = [rule for rule in self.town.app.url_map.iter_rules() if rule.endpoint != "static"]
        return [(rule, method) for rule in every for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]

    def path(self, rule: Rule, **values: str) -> str:
        """The address with these values in it; a path that nobody has taught us is an error."""
        names = rule.arguments
        assert names <= set(self.known), f"no value is known for {rule.rule}"
        path = rule.rule
        for name in names:
            path = re.sub(rf"<(\w+:)?{name}>", quote({**self.known, **values}[name], safe=""), path)
        return path

    def good(self, rule: Rule, method: str, **values: str) -> Ask:
        gate = gate_of(rule)
        if gate is gates.machine:
            path = self.path(rule, **{"grant_id": self._grant_of_machine(method), **values})
            ask = Ask(self.town.app.test_client(), method, path, caller=self.machine)
            return self._question(ask, rule.endpoint) if method in {"POST", "PATCH", "PUT"} else ask
        path = self.path(rule, **values)
        if gate is gates.token:
            ask = Ask(self.town.app.test_client(), method, path, caller=self.caller)
            return ask if method in SAFE else self._question(ask, rule.endpoint)
        if gate is gates.auditor:
            headers = {"Authorization": f"Bearer {self.credential}"}
            return Ask(self.town.app.test_client(), method, path, headers=headers)
        if gate is gates.client:
            form, proof = authenticated(self.town, "messenger", path, self.fields(rule.endpoint))
            return Ask(self.town.app.test_client(), method, path, form=MultiDict(form), headers={"DPoP": proof})
        if gate is gates.registrant:
            return self.registrant(method, path, values)
        return self._of_a_page(rule, method, path)

    def _of_a_page(self, rule: Rule, method: str, path: str) -> Ask:
        gate = gate_of(rule)
        visitors = {gates.person: self.person, gates.somebody: self.person, gates.staff: self.staff}
        browser = self.town.browser({**visitors, gates.developer: self.developer}.get(gate))
        if gate is gates.own_page:
            return Ask(browser, method, path, form=MultiDict(self.fields(rule.endpoint)), headers={"Origin": BASE})
        form = None
        if method not in SAFE:
            form = MultiDict({"csrf_token": csrf_token(browser), **self.fields(rule.endpoint)})
        return Ask(browser, method, path, form=form)

    def registrant(self, method: str, path: str, values: Mapping[str, str]) -> Ask:
        """A request of a client that looks after itself; it may have removed itself the last time."""
        now, purposes, house = self.town.house.watch(), ("chat_banking",), self.town.house
        secret, metadata = new_secret("rg"), {"client_name": "App", "redirect_uris": [CALLBACK], "scope": "balances"}
        own = f"c_{secrets.token_urlsafe(8)}"
        with house.database.write() as session:
            _, invitation = initial_tokens.create(
                session,
                house.catalogue,
                label="App",
                purposes=purposes,
                scopes=("balances",),
                most_uses=9,
                days=9,
                now=now,
            )
            client = Client(
                own, PlatformKind.PLATFORM, "App", NO_KEYS, (CALLBACK,), jwks_uri="https://app.example/jwks"
            )
            add_platform(session, house.catalogue, client, http_loopback=True, now=now)
            entrust(session, own, secret, registered_by=None)
        headers = {"Authorization": f"Bearer {invitation if method == 'POST' else secret}"}
        body = json.dumps({**metadata, "client_id": own, "purposes": purposes, "jwks_uri": client.jwks_uri})
        if "client_id" not in values:
            path = path.replace(self.known["client_id"], own)
        if method in SAFE or method == "DELETE":
            return Ask(self.town.app.test_client(), method, path, headers=headers)
        if method == "PUT":  # its limits are what it has: neither scope nor purpose
            body = json.dumps(
                {"client_id": own, "client_name": "A", "redirect_uris": [CALLBACK], "jwks_uri": client.jwks_uri}
            )
        headers["Content-Type"] = "application/json"
        return Ask(self.town.app.test_client(), method, path, headers=headers, body=body)

    def _question(self, ask: Ask, endpoint: str) -> Ask:
        """Put a good question, by endpoint; one that nobody has taught us is an error."""
        question = {
            "answers.balance": {"accountId": self.known["account_id"], "atLeast": "50", "currency": "GBP"},
            "bank_alerts.announce": {
                "subject": "hb-1",
                "accountId": "acc-1",
                "alertId": "a-1",
                "occurredAt": "2026-11-22T11:00:00Z",
            },
            "streams.create": {"events_requested": ["urn:consent-broker:event:grant-changed"]},
            "streams.change": {"stream_id": self.known["stream_id"], "description": "Ours"},
            "streams.replace": {"stream_id": self.known["stream_id"], "description": "Ours"},
            "stream_acts.set_status": {"stream_id": self.known["stream_id"], "status": "enabled"},
            "stream_acts.verify": {"stream_id": self.known["stream_id"], "state": "s"},
            "stream_acts.poll": {"maxEvents": 3, "returnImmediately": True},
            "deletions.acknowledge": {},
            "deletions.complete": {"statement": "completed"},
            "answers.location": {"place": {"country": "GB", "townName": "Leeds"}, "since": "P1D"},
        }[endpoint]
        ask.body, ask.headers["Content-Type"] = json.dumps(question), "application/json"
        return ask

    def _confirmed(self) -> dict[str, str]:
        """Confirm every second time: hostile text is to meet the question as well as what comes after it."""
        return next(self._answers)

    def _flip(self) -> Mapping[str, str]:
        """Turn off one category for one platform, or on when it is off: there is always something to flip."""
        target = Target(self.share.bank, self.share.platform, "card_locations")
        with self.town.house.database.read() as session:
            is_off = any(one.target == target for one in concerning(session, target.bank_id, target.platform_id))
        action = {"action": "on" if is_off else "off", "reason": "We look into it."}
        return {**action, "platform": target.platform_id, "category": target.category, **self._confirmed()}

    def _facts(self) -> Mapping[str, str | list[str]]:
        """Change one figure of the facts in force: there is always something to change."""
        with self.town.house.database.read() as session:
            rules = in_force(session, self.town.services.catalogue, self.share.bank)
        bounds = self.town.services.catalogue.banks[self.share.bank]
        days = bounds.maximum_duration_days
        is_widest = rules.bank is not None and rules.bank.maximum_duration_days == days
        return {
            "version": str(rules.version),
            "category": sorted(bounds.categories),
            "purpose": sorted(bounds.purposes),
            "maximum_duration_days": str(days - 1 if is_widest else days),
            "maximum_lookback_days": str(bounds.maximum_lookback_days),
            "maximum_frequency_per_day": str(bounds.maximum_frequency_per_day),
            "reason": "We look into it.",
            **self._confirmed(),
        }

    def fields(self, endpoint: str) -> Mapping[str, Any]:
        """The fields of a good form, by endpoint; a form that nobody has taught us is an error."""
        console = {"switches.flip": self._flip, "bank_facts.edit": self._facts}
        if endpoint in console:
            return console[endpoint]()
        pushed = {"response_type": "code", "redirect_uri": CALLBACK, "state": "s", "code_challenge": "c" * 43}
        choice = {"category": "balances", "account": self.known["account_id"], "duration": "30", "history": "30"}
        return {
            "sign_in.start": {"for": "x", "bank": "harbor"},
            "sign_in.sign_out": {},
            "language.choose": {"language": "es", "next": "/my-sharing"},
            "passkey_sign_in.enter": {"answer": "{}"},
            "passkeys.add": {"answer": "{}", "name": "Phone"},
            "passkeys.rename": {"name": "Phone"},
            "passkeys.remove": {},
            "passkeys.confirm": {"answer": "{}", "next": "/account"},
            "account.end_one": {"session": "0" * 16},
            "account.end_others": {},
            "inbox.read": {},
            "notices.keep": {"on": ["ending.mail"]},
            "notices.ask": {"address": "oscar@mail.example"},
            "notices.remove": {},
            "notices.confirm": {"key": "x"},
            "developer_deliveries.retry": {"jti": "019aa9d5-3c1e-7b50-a0a5-0a7c4a51f3de"},
            "closing.close": {},
            "developer_passkeys.add": {"answer": "{}", "name": "key"},
            "developer_passkeys.remove": {},
            "developer_welcome.enter": {"link": self.link},
            "release_map.look": {"grant": self.share.grant_id},
            "sign_in.open_console": {"bank": "harbor"},
            "consent.decide": {"decision": "approve", "detail": "basic", "precision": "town", **choice},
            "deleting.ask": {},
            "narrowing.narrow": {"days": "1", "seen": "2026-11-22T12:00:00Z"},
            "renewing.sign_in": {},
            "renewing.renew": {"days": "30", "seen": "2026-11-22T12:00:00Z"},
            "linking.begin": {},
            "linking.go": {"bank": "meridian"},
            "linking.link": {"decision": "no"},
            "linking.unlink": {"bank": "meridian"},
            "my_sharing.act": {"grant": self.share.grant_id, "action": "pause"},
            "oauth.par": {
                **pushed,
                "code_challenge_method": "S256",
                "authorization_details": json.dumps(details("balances")),
            },
            "oauth.token": {"grant_type": "refresh_token", "refresh_token": "bkr_rt_x"},
            "oauth.revoke_token": {"token": "bkr_at_x"},
            "oauth.introspect_token": {"token": "bkr_at_x"},
        }[endpoint]
