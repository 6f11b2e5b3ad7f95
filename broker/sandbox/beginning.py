"""Begins a world: keys, people and registrations where there are none, and then each process, in order."""

from typing import Any

from broker.app import build_services
from broker.audit.log_keys import LogKeys
from broker.clock import system_clock
from broker.crypto import key_file
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.sandbox import outsiders, witnesses
from broker.sandbox.facts import write_info
from broker.sandbox.layout import CLIENTS, Layout
from broker.sandbox.processes import Processes
from broker.sandbox.registrations import invite, register, sandbox_platforms
from broker.sandbox.secret_files import logins, public_jwks
from broker.settings import Settings, watch_sandbox
from broker.storage import schema
from broker.storage.engine import Database


def start(settings: Settings, layout: Layout, processes: Processes) -> dict[str, Any]:
    """Start every process of the world in a folder that is its own; return the info document.

    Raises:
        ConfigurationInvalid: a process did not start.
    """
    if not settings.key_file.exists():
        generate_keyset(settings.key_file, system_clock())
    key_file.add_missing(settings.key_file, system_clock())  # of a sandbox of an earlier version
    people = logins(layout)
    jwks = public_jwks(layout, CLIENTS)
    keyset = load_keyset(settings.key_file)
    signed_by = LogKeys(keyset.log, keyset.retired_log)
    for bank in layout.banks:
        log = f"{settings.base_host}/audit/{bank.id}/{system_clock().year}"
        keys = outsiders.BrokerKeys(keyset.public_jwks(), signed_by.vkeys(log))
        path = outsiders.write_bank(layout, bank, people, keys)
        processes.start(bank.id, ["broker.sandbox.bank", "--config", str(path)])
    watchers = witnesses.prepare(layout, signed_by, settings.base_host)
    settings = watch_sandbox([f"{one.vkey} {one.url}" for one in watchers], witnesses.QUORUM)
    for one in watchers:
        processes.start(one.process, one.command)
    schema.upgrade(Database(settings.database_url))
    for one in watchers:
        processes.wait_ready(one.process, f"{one.url}/healthz")  # nothing is logged before they confirm the logs
    services = build_services(settings)
    clients = sandbox_platforms(layout, services.catalogue, jwks)
    register(services, layout, clients, {bank.id: outsiders.sign_in_scope(bank) for bank in layout.banks})
    invitation = invite(services)
    services.close()
    processes.start("broker", ["broker", "serve"])
    processes.start("worker", ["broker", "worker"])
    processes.start("messenger", ["broker.sandbox.messenger", "--config", str(outsiders.write_messenger(layout))])
    processes.start("mailbox", _mailbox(layout))
    for bank in layout.banks:
        processes.wait_ready(bank.id, f"{bank.url}/healthz")
    processes.wait_ready("broker", f"{layout.broker_url}/readyz")
    processes.wait_ready("messenger", f"{layout.messenger_url}/healthz")
    processes.wait_ready("mailbox", f"{layout.mailbox_url}/healthz")
    return write_info(settings, layout, people, clients, processes, watchers=watchers, invitation=invitation)


def _mailbox(layout: Layout) -> list[str]:
    ports = ["--page-port", str(layout.mailbox_port), "--mail-port", str(layout.mail_port)]
    return ["broker.sandbox.mailbox", *ports, "--links-to", layout.broker_url]
