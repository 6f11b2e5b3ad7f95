"""The only way data leaves: to a platform under a grant, and to the person's own account list and preview."""

from broker.release.asking import Announcement, Call, Missing, Released, Render, Rendered, Wanted
from broker.release.looks import Looks
from broker.release.own_accounts import OwnAccount, OwnAccounts
from broker.release.own_receipts import OwnReceipts
from broker.release.pages import ReadPage
from broker.release.previews import Preview, Previews
from broker.release.renewals import Renewals
from broker.release.service import BODY_MAX_BYTES, Release
from broker.release.wire import plain

__all__ = [
    "BODY_MAX_BYTES",
    "Announcement",
    "Call",
    "Looks",
    "Missing",
    "OwnAccount",
    "OwnAccounts",
    "OwnReceipts",
    "Preview",
    "Previews",
    "ReadPage",
    "Release",
    "Released",
    "Render",
    "Rendered",
    "Renewals",
    "Wanted",
    "plain",
]
