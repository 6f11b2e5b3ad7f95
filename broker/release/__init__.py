"""The only way data leaves: to a platform under a grant, and to the person's own account list."""

from broker.release.asking import Call, Released, Rendered, Wanted
from broker.release.own_accounts import OwnAccount, OwnAccounts
from broker.release.service import Release

__all__ = ["Call", "OwnAccount", "OwnAccounts", "Release", "Released", "Rendered", "Wanted"]
