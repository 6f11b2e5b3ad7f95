"""Log lines are JSON and carry no secret."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest
import structlog

from broker.crypto.digests import new_secret
from broker.telemetry import _unquote, add_facts, begin_context, redact

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
for library in ("urllib3", "sqlalchemy.engine", "authlib", "gunicorn.error", "a library of tomorrow"):
    logging.getLogger(library).setLevel("DEBUG")
    logging.getLogger(library).debug("debug of a talkative library %s", sys.argv[1])
logging.getLogger("gunicorn.error").info("Booting worker")
logging.getLogger("a library of tomorrow").info("not worth a line")
structlog.get_logger("ours").debug("quiet")
try:
    raise ValueError("with " + sys.argv[1])
except ValueError as error:
    structlog.get_logger("ours").error("failed", exc_info=error)
    logging.getLogger("theirs").exception("failed too")
import threading, warnings
warnings.warn("a warning about " + sys.argv[1])
def fails():
    raise LookupError("plain-canary")
thread = threading.Thread(target=fails)
thread.start()
thread.join()
raise RuntimeError("plain-canary")
"""


def test_every_line_of_ours_and_of_libraries_is_json_without_secrets_and_without_messages_of_exceptions() -> None:
    secret = new_secret("at")
    done = subprocess.run([sys.executable, "-c", PROGRAM, secret], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 1)
    assert secret not in done.stderr
    assert "plain-canary" not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    told = ["seen", "sent [redacted]", "Booting worker", "quiet", "failed", "failed too"]
    assert [line["event"] for line in lines[:6]] == told
    assert [line["event"] for line in lines[7:]] == ["process.failed", "process.failed"]
    assert all(line["level"] and line["timestamp"] for line in lines)
    assert lines[4]["exception"] == ["builtins.ValueError", f"  <string>:{_RAISED} <module>"]
    assert lines[5]["exception"][0] == "builtins.ValueError"
    assert [line["exception"][0] for line in lines[7:]] == ["builtins.LookupError", "builtins.RuntimeError"]


_RAISED = 1 + PROGRAM.splitlines().index('    raise ValueError("with " + sys.argv[1])')

QUOTES = {
    "Error handling request /callback?code=canary": "Error handling request [...]",
    "Invalid request from ip=127.0.0.1: Invalid HTTP Header: 'COOKIE a=canary'": (
        "Invalid request from ip=127.0.0.1: Invalid HTTP Header: [...]"
    ),
    'Invalid: "it\'s a canary", and more': "Invalid: [...], and more",
    "Invalid: 'a \\' canary'": "Invalid: [...]",
    "Exception on /v1/accounts/canary [GET]": "Exception on [...] [GET]",
    "Listening at: http://127.0.0.1:8400 (7)": "Listening at: http://127.0.0.1:8400 (7)",
    "seen at https://m.example?code=canary": "seen at https://m.example[...]",
}


@pytest.mark.parametrize("line", list(QUOTES))
def test_what_a_library_quotes_of_a_request_is_taken_out(line: str) -> None:
    assert _unquote(None, "warning", {"event": line})["event"] == QUOTES[line]


def test_facts_stand_on_every_later_line_until_the_next_request_begins() -> None:
    begin_context(interaction_id="one")
    add_facts(platform="messenger", bank=None)
    assert structlog.contextvars.get_contextvars() == {"interaction_id": "one", "platform": "messenger"}
    begin_context(interaction_id="two")
    assert structlog.contextvars.get_contextvars() == {"interaction_id": "two"}


FULL = """
import sys
sys.stderr = open("/dev/full", "w")
import logging, structlog
from broker.telemetry import configure_logging
configure_logging("INFO")
structlog.get_logger("ours").error("lost")
logging.getLogger("theirs").error("lost")
print("went on")
"""


def test_a_line_that_cannot_be_written_is_lost_and_fails_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=False)
    assert done.stdout == "went on\n"
    assert "Traceback" not in done.stdout


def test_nothing_of_the_tests_own_logging_was_changed() -> None:
    assert not any("structlog" in type(handler.formatter).__module__ for handler in logging.getLogger().handlers)
