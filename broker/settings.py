"""The only place that reads the environment: typed settings, checked once at start."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from environs import Env, EnvError, validate

from broker.errors import ConfigurationInvalid

_LOWEST_PORT_BASE, _HIGHEST_PORT_BASE = 1024, 65_500
_HIGHEST_PORT = 65_535
_LONGEST_TIMEOUT_S = 60.0
_LONGEST_CACHE_S = 3_600
_LONGEST_DELETION_DAYS = 90
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
_VARIABLE = re.compile(r"BROKER_[A-Z_]+")
_SENDER = re.compile(r"[!-;=?A-~]+@[A-Za-z0-9.:\[\]-]+")
_NOWHERE = "https://broker.invalid"
# The text itself is the issuer and the origin that browsers send: it has exactly one spelling.
_BASE_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>[1-9][0-9]{0,4}))?")


class Mode(StrEnum):
    """Where the broker runs. `sandbox` allows http on loopback and nothing else."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the operator can set; docs/reference/settings.md explains each."""

    mode: Mode
    base_url: str
    database_url: str
    data_dir: Path
    key_file: Path
    policies_dir: Path
    host: str
    port: int
    workers: int
    threads: int
    pin_workers: str
    log_level: str
    outbound_allow: frozenset[str]
    events_allow: frozenset[str]
    bank_timeout_s: float
    bank_answer_max_bytes: int
    requests_max: int
    request_max_bytes: int
    jwks_cache_s: int
    disk_reserve_bytes: int
    dpop_nonce_required: bool
    deletion_days: int
    witnesses: tuple[str, ...]
    witness_quorum: int | None
    smtp_url: str | None = field(repr=False)  # it can hold a password
    mail_from: str | None
    metrics_port: int | None
    sandbox_port_base: int

    @property
    def is_secure(self) -> bool:
        """Say whether the pages are served over TLS, so that cookies can be `Secure`."""
        return self.base_url.startswith("https://")

    @property
    def base_host(self) -> str:
        """Return the host (without port) of the base URL: the name of the logs begins with it."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def mail_sender(self) -> str:
        """Return the address that mails to people come from."""
        return self.mail_from or f"no-reply@{self.base_host}"


def load_settings() -> Settings:
    """Read the settings from environment variables named BROKER_*.

    Raises:
        ConfigurationInvalid: a value is missing or cannot be used; the message names the variable.
    """
    env = Env(prefix="BROKER_")
    try:
        settings = _read(env)
    except (EnvError, ValueError) as error:
        raise ConfigurationInvalid(str(error)) from error
    _check_base_url(settings)
    return settings


def load_repaired() -> tuple[Settings, dict[str, str]]:
    """Load the settings with the default in place of each that cannot be used; return also what is wrong, by variable.

    For `broker doctor` alone, which looks on where others stop: it changes this process's environment. A base URL that
    cannot be used becomes one that leads nowhere (RFC 2606).

    Raises:
        ConfigurationInvalid: something is wrong that no variable is named for.
    """
    wrong: dict[str, str] = {}
    while True:
        try:
            return load_settings(), wrong
        except ConfigurationInvalid as error:
            named = _VARIABLE.search(error.detail)
            if named is None or named.group() in wrong:
                raise
            variable = named.group()
            wrong[variable] = error.detail
            os.environ.pop(variable, None)
            if variable == "BROKER_BASE_URL":
                os.environ[variable] = _NOWHERE


def unknown_variables() -> list[str]:
    """Return names of environment variables that look like settings but are none: probably mistyped."""
    known = {f"BROKER_{one.name.upper()}" for one in fields(Settings)}
    return sorted(name for name in os.environ if name.startswith("BROKER_") and name not in known)


def enter_sandbox() -> Settings:
    """Set what a sandbox world needs, for this process and its children, where the environment does not say it.

    Ports follow BROKER_SANDBOX_PORT_BASE: broker +0, banks +11 and +12, Messenger +20, the mailbox +21 (its page)
    and +25 (where mail arrives), witnesses +31 and +32.

    Raises:
        ConfigurationInvalid: as `load_settings`; or environment or folder are those of a broker that is no sandbox.
    """
    _refuse_production()
    try:
        base = Env(prefix="BROKER_").int("SANDBOX_PORT_BASE", 8400)
    except EnvError as error:
        raise ConfigurationInvalid(str(error)) from error
    if not _LOWEST_PORT_BASE <= base <= _HIGHEST_PORT_BASE:
        raise ConfigurationInvalid("BROKER_SANDBOX_PORT_BASE must be from 1024 to 65500")
    os.environ["BROKER_MODE"] = Mode.SANDBOX.value
    os.environ["BROKER_BASE_URL"] = f"http://localhost:{base}"
    os.environ["BROKER_PORT"] = str(base)
    called = (base + 11, base + 12, base + 31, base + 32)
    os.environ["BROKER_OUTBOUND_ALLOW"] = ",".join(f"localhost:{port}" for port in called)
    told = [f"localhost:{base + 20}", *filter(None, [os.environ.get("BROKER_EVENTS_ALLOW")])]
    os.environ["BROKER_EVENTS_ALLOW"] = ",".join(told)
    os.environ["BROKER_SMTP_URL"] = f"smtp://localhost:{base + 25}"
    os.environ.setdefault("BROKER_DATA_DIR", str(Path(".sandbox").resolve()))
    return load_settings()


def watch_sandbox(witnesses: Sequence[str], quorum: int) -> Settings:
    """Name a sandbox's witnesses (`<vkey> <url>` each), for this process and its children.

    Raises:
        ConfigurationInvalid: as `load_settings`.
    """
    os.environ["BROKER_WITNESSES"] = ",".join(witnesses)
    os.environ["BROKER_WITNESS_QUORUM"] = str(quorum)
    return load_settings()


def keep_figures_in(folder: Path) -> None:
    """Tell prometheus_client, which reads the environment alone, where the processes of this machine count."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _refuse_production() -> None:
    """Keep sandbox commands away from a real broker: they make people, move its clock and delete its folder."""
    host = urlsplit(os.environ.get("BROKER_BASE_URL", "http://localhost")).hostname
    if os.environ.get("BROKER_MODE") == Mode.PRODUCTION.value or host not in {"localhost", "127.0.0.1", "::1"}:
        raise ConfigurationInvalid(
            "This environment is a real broker's (BROKER_MODE, BROKER_BASE_URL). A sandbox needs one without them."
        )
    folder = Path(os.environ.get("BROKER_DATA_DIR", ".sandbox")).expanduser()
    is_world = (folder / "world.lock").exists()
    if not is_world and any((folder / name).exists() for name in ("keys.json", "broker.db")):
        raise ConfigurationInvalid(
            f"The folder {folder} holds a broker that is no sandbox. Choose another one with BROKER_DATA_DIR."
        )


def _read(env: Env) -> Settings:
    data_dir = env.path("DATA_DIR", Path(".broker")).expanduser().resolve()
    return Settings(
        mode=env.enum("MODE", Mode.PRODUCTION, enum=Mode, by_value=True),
        base_url=env.str("BASE_URL").rstrip("/"),
        database_url=env.str("DATABASE_URL", f"sqlite:///{data_dir / 'broker.db'}"),
        data_dir=data_dir,
        key_file=env.path("KEY_FILE", data_dir / "keys.json").expanduser().resolve(),
        policies_dir=env.path("POLICIES_DIR", default_policies_dir()).expanduser().resolve(),
        host=env.str("HOST", "127.0.0.1"),
        port=_from_one_to(_HIGHEST_PORT, env, "PORT", 8400),
        workers=_at_least_one(env, "WORKERS", 2),
        threads=_at_least_one(env, "THREADS", 8),
        pin_workers=env.str("PIN_WORKERS", "auto", validate=validate.OneOf(("auto", "yes", "no"))),
        log_level=_log_level(env),
        outbound_allow=frozenset(env.list("OUTBOUND_ALLOW", [])),
        events_allow=frozenset(env.list("EVENTS_ALLOW", [])),
        bank_timeout_s=_seconds(env),
        bank_answer_max_bytes=_at_least_one(env, "BANK_ANSWER_MAX_BYTES", 5 * 1024 * 1024),
        requests_max=_at_least_one(env, "REQUESTS_MAX", 256),
        request_max_bytes=_at_least_one(env, "REQUEST_MAX_BYTES", 128 * 1024),
        jwks_cache_s=_from_one_to(_LONGEST_CACHE_S, env, "JWKS_CACHE_S", 300, " seconds"),
        disk_reserve_bytes=_reserve(env),
        dpop_nonce_required=env.bool("DPOP_NONCE_REQUIRED", False),
        deletion_days=_from_one_to(_LONGEST_DELETION_DAYS, env, "DELETION_DAYS", 30),
        witnesses=_witnesses(env),
        witness_quorum=_quorum(env),
        smtp_url=env.str("SMTP_URL", None) or None,
        mail_from=_mail_from(env),
        metrics_port=_optional_port(env),
        sandbox_port_base=env.int("SANDBOX_PORT_BASE", 8400),
    )


def default_policies_dir() -> Path:
    """Return the folder of the shipped policies: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent
    inside = package / "shipped_policies"
    return inside if inside.is_dir() else package.parent / "policies"


def _seconds(env: Env) -> float:
    seconds: float = env.float("BANK_TIMEOUT_S", 8.0)
    if not 0 < seconds <= _LONGEST_TIMEOUT_S:
        raise ConfigurationInvalid("BROKER_BANK_TIMEOUT_S must be above 0 and at most 60 seconds")
    return seconds


def _from_one_to(most: int, env: Env, name: str, default: int, unit: str = "") -> int:
    value: int = env.int(name, default)
    if not 1 <= value <= most:
        raise ConfigurationInvalid(f"BROKER_{name} must be from 1 to {most}{unit}")
    return value


def _optional_port(env: Env) -> int | None:
    return None if env.int("METRICS_PORT", None) is None else _from_one_to(_HIGHEST_PORT, env, "METRICS_PORT", 1)


def _log_level(env: Env) -> str:
    level: str = env.str("LOG_LEVEL", "INFO").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ConfigurationInvalid("BROKER_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    return level


def _reserve(env: Env) -> int:
    size: int = env.int("DISK_RESERVE_BYTES", 16 * 1024 * 1024)
    if size < 0:
        raise ConfigurationInvalid("BROKER_DISK_RESERVE_BYTES must be 0 or more")
    return size


def _witnesses(env: Env) -> tuple[str, ...]:
    entries: list[str] = env.list("WITNESSES", [])
    return tuple(" ".join(entry.split()) for entry in entries)


def _quorum(env: Env) -> int | None:
    # Whether there are so many witnesses is checked where they are read.
    return None if env.int("WITNESS_QUORUM", None) is None else _at_least_one(env, "WITNESS_QUORUM", 1)


def _mail_from(env: Env) -> str | None:
    address: str | None = env.str("MAIL_FROM", None) or None
    if address is not None and not _SENDER.fullmatch(address):
        raise ConfigurationInvalid("BROKER_MAIL_FROM must be one e-mail address in plain ASCII")
    return address


def _at_least_one(env: Env, name: str, default: int) -> int:
    value: int = env.int(name, default)
    if value < 1:
        raise ConfigurationInvalid(f"BROKER_{name} must be 1 or more")
    return value


def _check_base_url(settings: Settings) -> None:
    """Refuse http anywhere but in a sandbox on loopback: tokens and cookies would travel in clear (FAPI 2.0 §5.2)."""
    match = _BASE_URL.fullmatch(settings.base_url)
    if match and int(match["port"] or 1) in range(1, 65_536) and match["port"] not in {"80", "443"}:
        is_sandbox = settings.mode is Mode.SANDBOX and match["host"] in _LOOPBACK
        if match["scheme"] == "https" or is_sandbox:
            return
    raise ConfigurationInvalid(
        "BROKER_BASE_URL must be https://host or https://host:port in lower case and nothing more "
        "(http only in sandbox mode on a loopback host)"
    )
