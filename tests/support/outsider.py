"""The receiver of somebody who is no part of the world, in a process of its own."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("outside_receiver.py")


class Outsider:
    """A receiver that can be ended and started again; what came before its end it still knows."""

    def __init__(self, issuer: str, audience: str, port: int, authorization: str) -> None:
        told = ["--port", str(port), "--issuer", issuer, "--audience", audience, "--authorization", authorization]
        self.command = [sys.executable, str(_PROGRAM), *told]
        self.url = f"http://localhost:{port}"
        self.before: list[dict[str, Any]] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        if self.process is not None:
            self.before = self.came()
            self.process.kill()
            self.process.communicate()
            self.process = None

    def behaves(self, how: str, **more: Any) -> None:
        body = json.dumps({"how": how, **more}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/behave", body), timeout=10).close()

    def came(self) -> list[dict[str, Any]]:
        """Everything that has come, with what is wrong about it."""
        if self.process is None:
            return self.before
        with urllib.request.urlopen(f"{self.url}/seen", timeout=10) as answer:
            return [*self.before, *json.load(answer)]

    def about(self, subject: str) -> list[dict[str, Any]]:
        """The events about a grant or a stream that it has taken."""
        taken = [one["claims"] for one in self.came() if one["how"] == "take"]
        return [
            event for one in taken if one.get("sub_id", {}).get("id") == subject for event in one["events"].values()
        ]

    def awaits(self, count: int, subject: str, within_s: float = 45) -> list[dict[str, Any]]:
        """Wait until it has taken so many events about a grant or a stream."""
        deadline = time.monotonic() + within_s
        while len(found := self.about(subject)) < count:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found
