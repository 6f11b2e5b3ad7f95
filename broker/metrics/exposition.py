"""Tells all figures to whoever asks on this machine: `/metrics` on a port of its own, on the loopback address alone."""

from collections.abc import Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector

from broker.errors import ConfigurationInvalid
from broker.metrics.stored import Stored

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HERE = "127.0.0.1"
_OWN_NAMES = {_HERE, "localhost"}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, *_: Any) -> None:
        """Write nothing: a line for each question would drown the others."""


def exposition(folder: Path, stored: Stored, port: int) -> WSGIServer:
    """Listen on the port; the caller serves.

    Raises:
        ConfigurationInvalid: the port cannot be listened on.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call] # the library does not say
    registry.register(stored)
    try:
        return make_server(_HERE, port, _only_here(make_wsgi_app(registry)), server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        raise ConfigurationInvalid(f"Port {port} of BROKER_METRICS_PORT cannot be used: {error.strerror}.") from error


def _only_here(metrics: "WSGIApplication") -> "WSGIApplication":
    """Answer one address alone, and no page of others that has had its name led to this machine (DNS rebinding)."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", _HERE).partition(":")[0]
        if environ["PATH_INFO"] != "/metrics" or host not in _OWN_NAMES:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        return metrics(environ, start_response)

    return application
