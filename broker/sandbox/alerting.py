"""Asks a sandbox bank to raise a fraud alert, over HTTP as anybody at the bank would."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from broker.errors import ConfigurationInvalid

_PATIENCE_S = 20


def raise_alert(url: str, said: Mapping[str, str]) -> dict[str, Any]:
    """Return what the bank did and what the broker told it.

    Raises:
        ConfigurationInvalid: the bank refused to raise it, or does not answer.
    """
    try:
        with urllib.request.urlopen(url, urlencode(said).encode(), timeout=_PATIENCE_S) as answer:  # noqa: S310 - http on loopback, made by us
            told: dict[str, Any] = json.loads(answer.read())
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise ConfigurationInvalid(f"The bank raised no alert: {error}.") from error
    return told
