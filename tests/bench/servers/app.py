"""The application that every candidate serves: small JSON, a large body that notes its `close()`, a slow answer."""

import os
import time
from collections.abc import Callable

from flask import Flask, Response, jsonify, request

app = Flask("bench")


def _note(word: str) -> Callable[[], None]:
    def write() -> None:
        descriptor = os.open(os.environ["BENCH_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{word} {time.monotonic()}\n".encode())
        os.close(descriptor)

    return write


@app.get("/hello")
def hello() -> Response:
    return jsonify(hello="world")


@app.post("/hello")
def read() -> Response:
    return jsonify(bytes=len(request.get_data()))


@app.get("/large/<int:size>")
def large(size: int) -> Response:
    response = Response(b"x" * size, mimetype="application/octet-stream")
    response.call_on_close(_note("closed"))
    return response


@app.get("/slow/<int:milliseconds>")
def slow(milliseconds: int) -> Response:
    time.sleep(milliseconds / 1000)
    return Response(b"whole")
