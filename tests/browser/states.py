"""Every page in every state that a person can meet, one line each, walked by test_every_page.py.

A state has a name, how to get there (a path, or a function that drives the window of a `Visit`), and who looks: nobody,
a customer (`harbor/maya`) or staff (`harbor/auditor`). States share one world with the stories: a state that stops or
changes something brings a customer of its own.
"""

import json
from dataclasses import dataclass

import requests

from tests.browser.arrivals import (
    ALL,
    ASKED,
    NEWCOMER,
    PAUSER,
    SHARER,
    State,
    Visit,
    asked,
    followed,
    looked_at,
    opened_details,
    receipt,
    sharing,
)
from tests.browser.conditions import (
    answered,
    expired,
    held,
    mapped,
    paused_part,
    suspended_meanwhile,
    switched,
    switched_view,
    switches_off,
    terms_changed,
    withdrawn,
)
from tests.support.backdated import is_overdue, is_silent
from tests.support.platform_client import PlatformClient
from tests.support.windows import sign_in

LEAVER = "meridian/bobby"  # closes the account
ASKER = "harbor/nadia"  # asks an app to delete what it has


def history_of_one(visit: Visit) -> None:
    """Open the history of one permission alone."""
    sharing("/my-sharing")(visit)
    visit.opens(str(visit.page.get_by_role("link", name="See every access").first.get_attribute("href")))


def closed(visit: Visit) -> None:
    """Close the account, and stand before the page that says so."""
    visit.opens("/account/close")
    visit.page.get_by_label("I want to close my account").check()
    visit.presses("Close my account")


def without_the_bank(visit: Visit) -> None:
    """Press Allow on the consent page while the bank answers nonsense."""
    visit.is_asked("balances", "transactions")
    visit.page.locator("input[name=category]").first.check()
    visit.page.locator("input[name=account]").first.check()
    faults = next(bank["faults_url"] for bank in visit.cast.info["banks"] if bank["id"] == visit.person.bank)
    requests.post(faults, data={"fault": "not_json"}, timeout=10).raise_for_status()
    try:
        visit.presses("Allow")
    finally:
        requests.post(faults, data={"fault": "none"}, timeout=10).raise_for_status()


def gives_address(visit: Visit) -> None:
    """Have a link sent to an address."""
    visit.opens("/account/notices")
    visit.page.get_by_label("Your address for e-mails").fill("oscar@mail.example")
    visit.presses("Send the link")


def no_address(visit: Visit) -> None:
    """Send what a browser takes for an address and we do not."""
    visit.opens("/account/notices")
    visit.page.locator("#address").fill("oscar@nowhere")
    visit.presses("Send the link")


@dataclass
class Asked:
    """A permission of an app that was asked to delete what it has; `says` is what it answered, empty for nothing."""

    says: str = ""
    is_overdue: bool = False
    path: str = ""

    def __call__(self, visit: Visit) -> None:
        """Stand on the page of the permission, or what stands below it."""
        info = visit.cast.info
        app = PlatformClient.of(info, 1)
        tokens = visit.person.shares(app, "balances")
        app.call(info["api"]["account_balances"], tokens.access)
        grant = tokens.answer["grant_id"]
        if not self.path:
            asked = visit.person.asks_to_delete(grant)["id"]
            answer, body = ("completion", self.says) if self.says.startswith("{") else ("acknowledgement", "{}")
            if self.says:
                address = f"{info['issuer']}/v1/deletions/{asked}/{answer}"
                app.asks(address, app.for_itself("deletions"), json.loads(body)).raise_for_status()
            if self.is_overdue:
                is_overdue(info, asked)
        sign_in(visit.page, visit.person)
        visit.opens(f"/my-sharing/{grant}{self.path}")


def silent(visit: Visit) -> None:
    """Look at what is shared with an app that has not confirmed a message for an hour."""
    Asked()(visit)
    is_silent(visit.cast.info, visit.page.url.rpartition("/")[2], "pennywise")
    visit.opens("/my-sharing")
    assert visit.page.get_by_text("has not confirmed our last message yet").count() == 1


def stopped(visit: Visit) -> None:
    """Stop a permission, and read on the page that follows what the app has still."""
    Asked(path="?")(visit)
    visit.presses("Stop")
    visit.presses("Yes, stop")
    assert visit.page.get_by_role("link", name="Ask Pennywise to delete it").count() == 1


def too_early(visit: Visit) -> None:
    """Ask to renew what lasts as long as was agreed already."""
    followed("/my-sharing", "View")(visit)
    visit.opens(visit.page.url + "/renew")


def ended_already(visit: Visit) -> None:
    """Press a button of an old page, after everything was stopped in another window."""
    grant = visit.person.shares(PlatformClient.of(visit.cast.info, 1), "balances").answer["grant_id"]
    visit.person.acts("revoke", grant)
    sign_in(visit.page, visit.person)
    visit.opens(f"/my-sharing/confirm?grant={grant}&action=pause")


def looked_before(visit: Visit) -> None:
    """Come back to the consent page after one's own data was shown on it."""
    looked_at(visit)
    visit.page.reload()
    assert visit.page.get_by_text("We did not keep what you saw here.").count() == 1


def asked_to_switch(visit: Visit, reason: str = "We look into it") -> None:
    """Stand before the question whether something is to be turned off."""
    visit.opens("/console/harbor/switches")
    visit.page.get_by_label("Reason").fill(reason)
    visit.presses("Continue")


def no_reason(visit: Visit) -> None:
    """Ask to turn something off for a reason that nobody can see."""
    asked_to_switch(visit, "\u2060")
    assert visit.page.get_by_text("A reason is needed").count() > 0


PARTLY = '{"statement": "partly-retained", "reason": "legal-obligation"}'
STATES = (
    State("home", "/"),
    State("home-signed-in", "/", NEWCOMER),
    State("about-data", "/about/data"),
    State("styleguide", "/styleguide"),
    State("sign-in", "/sign-in"),
    State("passkey-sign-in", "/sign-in/passkey"),
    State("account", "/account", NEWCOMER),
    State("account-of-staff", "/account", "harbor/auditor"),
    State("inbox-empty", "/account/inbox", NEWCOMER),
    State("inbox", sharing("/account/inbox"), SHARER),
    State("inbox-nothing-older", f"/account/inbox?before={'0' * 8}-0000-7000-8000-{'0' * 12}", NEWCOMER),
    State("notices", "/account/notices", NEWCOMER),
    State("notices-no-address", no_address, SHARER),
    State("notices-asked", gives_address, SHARER),
    State("notices-confirm", "/account/notices/confirm?key=bkr_nc_x", NEWCOMER),
    State("passkey-new", "/account/passkeys/new", NEWCOMER),
    State("step-up", "/step-up?next=/account", NEWCOMER),
    State("account-close", "/account/close", NEWCOMER),
    State("account-close-sharing", sharing("/account/close"), SHARER),
    State("account-close-unticked", sharing("/account/close", "Close my account"), SHARER),
    State("account-closed", closed, LEAVER),
    State("problem-not-found", "/nowhere", status=404),
    State("problem-not-found-signed-in", "/nowhere", NEWCOMER, status=404),
    State("problem-not-for-staff", "/my-sharing", "harbor/auditor", status=403),
    State("problem-bad-input", "/history/export.csv?decision=nonsense", NEWCOMER, status=400),
    State("history-bad-input", "/history?decision=nonsense&since=yesterday&before=x", NEWCOMER, status=400),
    State("verify-receipt", "/receipts/verify"),
    State("console-choice", "/console"),
    State("sign-in-as-staff", "/sign-in?next=/my-sharing", "harbor/auditor"),
    State("my-sharing-ended-already", ended_already, ASKER, status=409),
    State("switches-no-reason", no_reason, "harbor/admin"),
    State("consent-preview-gone", looked_before, NEWCOMER),
    State("switch-confirm", asked_to_switch, "harbor/admin"),
    State("consent", asked(*ALL), NEWCOMER),
    State("consent-nothing-ticked", asked("balances", press="Allow"), NEWCOMER),
    State("consent-preview", looked_at, NEWCOMER),
    State("consent-without-the-bank", without_the_bank, NEWCOMER),
    State("consent-example-of-an-alert", asked("fraud_alerts", press="Show me"), NEWCOMER),
    State("consent-receipt", receipt, SHARER),
    State("my-sharing-empty", "/my-sharing", NEWCOMER),
    State("my-sharing", sharing("/my-sharing"), SHARER),
    State("my-sharing-confirm-stop", sharing("/my-sharing", "Stop"), SHARER),
    State("my-sharing-confirm-pause", sharing("/my-sharing", "Pause"), SHARER),
    State("deletion-before", Asked(path="/deletion"), ASKER),
    State("deletion-asked", Asked(), ASKER),
    State("deletion-acknowledged", Asked("read"), ASKER),
    State("deletion-completed", Asked('{"statement": "completed"}'), ASKER),
    State("deletion-partly", Asked(PARTLY), ASKER),
    State("deletion-overdue", Asked(is_overdue=True), ASKER),
    State("stopped", stopped, ASKER),
    State("my-sharing-out-of-sync", silent, ASKER),
    State("home-sharing", sharing("/"), SHARER),
    State("one-grant", followed("/my-sharing", "View"), SHARER),
    State("renew-too-early", too_early, SHARER),
    State("narrow", followed("/my-sharing", "View", "Narrow"), SHARER),
    State("banks", "/my-sharing/banks", NEWCOMER),
    State("banks-not-proven", "/my-sharing/banks/link", NEWCOMER, status=409),
    State("history-empty", "/history?category=accounts", NEWCOMER),
    State("history", opened_details("/history"), SHARER),
    State("history-charts-empty", "/history/charts", NEWCOMER),
    State("history-map-nobody", "/history/map", NEWCOMER),
    State("history-of-one-permission", history_of_one, SHARER),
    State("history-nothing-fits", sharing("/history?decision=refused"), SHARER),
    State("bank-console", "/console/harbor", "harbor/auditor"),
    State("bank-console-of-a-sharer", "/console/meridian", "meridian/auditor"),
    State("bank-console-admin", "/console/harbor", "harbor/admin"),
    State("bank-log", "/console/harbor/log?reason=policy-files", "harbor/auditor"),
    State("bank-log-bad-input", "/console/harbor/log?since=yesterday", "harbor/auditor", status=400),
    State("bank-log-health", "/console/harbor/log-health", "harbor/auditor"),
    State("switches", "/console/harbor/switches", "harbor/admin"),
    State("bank-facts", "/console/harbor/facts", "harbor/admin"),
    State("history-map", mapped, SHARER),
    State("history-charts", opened_details("/history/charts"), SHARER),
    State("my-sharing-suspended", switched(), SHARER),
    State("my-sharing-category-off", switched("balances"), SHARER),
    State("my-sharing-limited", withdrawn("transactions"), SHARER),
    State("history-bank-changed", withdrawn("transactions", "/history"), SHARER),
    State("my-sharing-part-paused", paused_part, PAUSER),
    State("one-grant-of-a-suspended-app", switched_view, SHARER),
    State("consent-expired", expired, ASKED),
    State("consent-answered", answered, ASKED),
    State("consent-terms-changed", terms_changed, ASKED),
    State("consent-app-suspended", suspended_meanwhile, ASKED),
    State("bank-console-hold", held, "meridian/auditor"),
    State("switches-off", switches_off, "meridian/admin"),
)
