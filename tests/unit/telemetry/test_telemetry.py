"""Log lines are JSON and carry no secret."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from broker.crypto.digests import new_secret
from broker.telemetry import redact

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


SECRETS = {
    **{kind: new_secret(kind) for kind in ("at", "rt", "ac", "ws")},
    "jwt": JWT,
    "unsigned jwt": JWT.rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("kind", list(SECRETS))
@pytest.mark.parametrize("form", ["{}", "Authorization: DPoP {}, more", "a={}&b={}", "\n{}\n"])
def test_whatever_looks_like_a_secret_is_redacted(kind: str, form: str) -> None:
    secret = SECRETS[kind]
    event = redact(None, "info", {"event": form.replace("{}", secret), "other": "kept"})
    assert secret not in event["event"]
    assert secret[7:] not in event["event"]
    assert "[redacted]" in event["event"]
    assert event["other"] == "kept"


def test_what_is_no_text_stays_as_it_is() -> None:
    assert redact(None, "info", {"event": "x", "number": 5, "nothing": None}) == {
        "event": "x",
        "number": 5,
        "nothing": None,
    }


NESTED: dict[str, Any] = {
    "headers": {"Authorization": f"DPoP {new_secret('at')}"},
    "a list": [JWT],
    "a tuple": (JWT,),
    "bytes": JWT.encode(),
    "an exception": ValueError(JWT),
    "deep down": {"a": [{"b": JWT}]},
}


@pytest.mark.parametrize("name", list(NESTED))
def test_a_secret_inside_something_else_is_redacted_too(name: str) -> None:
    written = json.dumps(redact(None, "info", {"event": "x", "value": NESTED[name]}), default=repr)
    assert "eyJ" not in written
    assert "bkr_at_" not in written


PROGRAM = """
import logging, sys
import structlog
from broker.telemetry import configure_logging
configure_logging("DEBUG")
structlog.get_logger("ours").info("seen", token=sys.argv[1])
logging.getLogger("theirs").warning("sent %s", sys.argv[1])
logging.getLogger("urllib3").debug("debug of a talkative library %s", sys.argv[1])
structlog.get_logger("ours").debug("quiet")
try:
    raise ValueError("with " + sys.argv[1])
except ValueError as error:
    structlog.get_logger("ours").error("failed", exc_info=error)
    logging.getLogger("theirs").exception("failed too")
"""


def test_every_line_of_ours_and_of_libraries_is_json_without_secrets() -> None:
    secret = new_secret("at")
    done = subprocess.run([sys.executable, "-c", PROGRAM, secret], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert secret not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["seen", "sent [redacted]", "quiet", "failed", "failed too"]
    assert all(line["level"] and line["timestamp"] for line in lines)
    assert "ValueError: with [redacted]" in lines[3]["exception"]
    assert "ValueError: with [redacted]" in lines[4]["exception"]


def test_nothing_of_the_tests_own_logging_was_changed() -> None:
    assert not any("structlog" in type(handler.formatter).__module__ for handler in logging.getLogger().handlers)
