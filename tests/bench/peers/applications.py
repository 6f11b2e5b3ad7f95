"""`python -m tests.bench.peers.applications NAME PORT`: what stands beside the broker, on the broker's own server.

`hello` is Flask with a small JSON; `proxy` fetches two accounts from a bank with the broker's HTTP client library, as
the broker does, and does nothing else; `django` is a view behind django-oauth-toolkit's check of a bearer token.
"""

import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import requests
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from broker.cli.serving.server import Limits, Server

WORKERS, THREADS = 2, 8
BANK, ACCOUNTS = "BENCH_BANK", "BENCH_ACCOUNTS"
_BODY_MAX_BYTES = 128 * 1024


def hello() -> Any:
    """Build bare Flask."""
    app = Flask("hello")

    @app.get("/hello")
    def say() -> ResponseReturnValue:
        return jsonify(hello="world")

    return app


def proxy() -> Any:
    """Build a proxy of a bank: two requests to it, connections kept, no check of anything."""
    app, kept, bank, accounts = Flask("proxy"), threading.local(), os.environ[BANK], os.environ[ACCOUNTS].split(",")

    @app.get("/balances")
    def balances() -> ResponseReturnValue:
        if not hasattr(kept, "session"):
            kept.session = requests.Session()
        headers = {"Authorization": request.headers["Authorization"]}
        found = [kept.session.get(f"{bank}/accounts/{one}", headers=headers, timeout=8).json() for one in accounts]
        return jsonify(data=found)

    return app


def django() -> Any:
    """Build the protected view; its settings and tables are those of `django_site`."""
    return import_module("tests.bench.peers.django_site").application()


APPLICATIONS: dict[str, Callable[[], Any]] = {"hello": hello, "proxy": proxy, "django": django}

if __name__ == "__main__":
    build = APPLICATIONS[sys.argv[1]]
    Server(build, Limits("127.0.0.1", int(sys.argv[2]), WORKERS, THREADS, _BODY_MAX_BYTES), "WARNING").run()
