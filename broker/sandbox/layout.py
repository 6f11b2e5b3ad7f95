"""Where everything of a sandbox world is: folders, ports, addresses."""

from dataclasses import dataclass
from pathlib import Path

from broker.settings import Settings

CLIENT_AT_BANKS = "consent-broker"
MESSENGER = "messenger"
BUDGET_APP = "pennywise"
STRICT_APP = "quayside"
"""A platform that asks for all that is optional: nonces, signed answers, keys of RSA."""
RESOURCE_SERVER = "sandbox-resource-server"
CLIENTS = (MESSENGER, BUDGET_APP, STRICT_APP, RESOURCE_SERVER, "harbor-bank", "meridian-bank")
"""The clients of the broker."""
OUTSIDE_CALLBACK = "http://localhost:4199/cb"
"""A redirect URI on which nothing listens, for clients that a tester drives by hand."""


@dataclass(frozen=True, slots=True)
class SandboxBank:
    """One bank of the sandbox."""

    id: str
    name: str
    standard: str
    port: int
    api_path: str

    @property
    def url(self) -> str:
        """Return the bank's base URL, which is its issuer too."""
        return f"http://localhost:{self.port}"

    @property
    def client_id(self) -> str:
        """Return the bank's own client at the broker."""
        return f"{self.id}-bank"

    @property
    def witness_port(self) -> int:
        """Return the port of the witness that the bank runs."""
        return self.port + 20


@dataclass(frozen=True, slots=True)
class Layout:
    """One world: a data folder and a port base."""

    data_dir: Path
    port_base: int
    broker_url: str

    @property
    def banks(self) -> tuple[SandboxBank, SandboxBank]:
        """Return Harbor Bank (FDX) and Meridian Bank (UK Open Banking)."""
        return (
            SandboxBank("harbor", "Harbor Bank", "fdx", self.port_base + 11, "/fdx/v6"),
            SandboxBank("meridian", "Meridian Bank", "obie", self.port_base + 12, "/open-banking/v4.0/aisp"),
        )

    @property
    def messenger_port(self) -> int:
        """Return the port of the chat platform."""
        return self.port_base + 20

    @property
    def messenger_url(self) -> str:
        """Return the base URL of the chat platform."""
        return f"http://localhost:{self.messenger_port}"

    @property
    def messenger_rest_file(self) -> Path:
        """Return the file that stands while Messenger is to be stopped."""
        return self.data_dir / "messenger.rests"

    @property
    def mailbox_port(self) -> int:
        """Return the port of the page on which everybody's mails are read."""
        return self.port_base + 21

    @property
    def mail_port(self) -> int:
        """Return the port at which mails arrive."""
        return self.port_base + 25

    @property
    def mailbox_url(self) -> str:
        """Return the address of the mailbox."""
        return f"http://localhost:{self.mailbox_port}"

    @property
    def ports(self) -> dict[str, int]:
        """Return every port of the world with the name of who listens there."""
        banks = {bank.name: bank.port for bank in self.banks}
        witnesses = {f"the witness of {bank.name}": bank.witness_port for bank in self.banks}
        others = {"Messenger": self.messenger_port, "the mailbox": self.mailbox_port, "arriving mail": self.mail_port}
        return {"the broker": self.port_base, **banks, **witnesses, **others}

    def folder(self, name: str) -> Path:
        """Return a party's own folder, readable by its owner alone; makes it at the first time."""
        path = self.data_dir / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def jwk_file(self, client_id: str) -> Path:
        """Return the file with a client's private key."""
        return self.folder("clients") / f"{client_id}.jwk.json"

    @property
    def info_file(self) -> Path:
        """Return the file that says what runs."""
        return self.data_dir / "info.json"

    @property
    def people_file(self) -> Path:
        """Return the file that says, without passwords, whom developers can try it with."""
        return self.data_dir / "people.json"


def layout_of(settings: Settings) -> Layout:
    """Return the layout of the world that these settings describe."""
    return Layout(settings.data_dir, settings.sandbox_port_base, settings.base_url)
