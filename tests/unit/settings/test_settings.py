"""Settings: each bad value is one clear error that names the variable; no default opens a door."""

from pathlib import Path

import pytest

from broker.errors import ConfigurationInvalid
from broker.settings import Mode, enter_sandbox, load_settings


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os  # noqa: PLC0415 - the tests of the one module that reads the environment

    for name in [name for name in os.environ if name.startswith("BROKER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BROKER_BASE_URL", "https://broker.example")
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_those_of_production(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.mode == Mode.PRODUCTION
    assert settings.is_secure
    assert settings.base_host == "broker.example"
    assert settings.host == "127.0.0.1"
    assert settings.outbound_allow == frozenset()
    assert settings.data_dir == tmp_path / ".broker"
    assert settings.key_file == tmp_path / ".broker" / "keys.json"
    assert (settings.policies_dir / "purposes.yaml").is_file()


def test_the_default_mode_is_a_mode() -> None:
    assert isinstance(load_settings().mode, Mode)


def test_the_base_url_has_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROKER_BASE_URL")
    with pytest.raises(ConfigurationInvalid, match="BROKER_BASE_URL"):
        load_settings()


BAD = [
    ("MODE", "development"),
    ("MODE", ""),
    ("PORT", "x"),
    ("WORKERS", "0"),
    ("WORKERS", "-1"),
    ("WORKERS", "two"),
    ("THREADS", "0"),
    ("LOG_LEVEL", "LOUD"),
    ("BANK_TIMEOUT_S", "soon"),
    ("BANK_TIMEOUT_S", "nan"),
    ("BANK_TIMEOUT_S", "inf"),
    ("BANK_ANSWER_MAX_BYTES", "0"),
    ("REQUEST_MAX_BYTES", "-5"),
    ("SANDBOX_PORT_BASE", "x"),
    ("BASE_URL", "http://broker.example"),
    ("BASE_URL", "http://localhost:8400"),
    ("BASE_URL", "https://"),
    ("BASE_URL", "broker.example"),
    ("BASE_URL", ""),
    ("BASE_URL", "ftp://broker.example"),
    ("BASE_URL", "https://broker.example/path"),
    ("BASE_URL", "https://user:password@broker.example"),
    ("BASE_URL", "https://broker.example?x=1"),
    ("BASE_URL", "https://broker.example#x"),
    ("BASE_URL", "https://broker.example:99999"),
    ("BASE_URL", "https://[::1"),
    ("BASE_URL", "https://Broker.example"),
    ("BASE_URL", "https://broker.example:443"),
    ("BASE_URL", "https://broker.example:0"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_that_cannot_be_used_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"BROKER_{name}", value)
    with pytest.raises(ConfigurationInvalid, match=f"BROKER_{name}|{name}"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("BANK_TIMEOUT_S", "0"),
        ("BANK_TIMEOUT_S", "-1"),
    ],
)
def test_a_value_that_would_fail_later_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BROKER_{name}", value)
    with pytest.raises(ConfigurationInvalid, match=name):
        load_settings()


@pytest.mark.parametrize("url", ["http://localhost:8400", "http://127.0.0.1:8400", "http://[::1]:8400"])
def test_plain_http_is_for_a_sandbox_on_loopback_only(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BROKER_BASE_URL", url)
    with pytest.raises(ConfigurationInvalid):
        load_settings()
    monkeypatch.setenv("BROKER_MODE", "sandbox")
    assert not load_settings().is_secure


@pytest.mark.parametrize("host", ["broker.example", "0.0.0.0", "localhost.example", "127.0.0.1.example", "192.168.0.1"])  # noqa: S104 - it must be refused
def test_a_sandbox_off_loopback_needs_tls(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("BROKER_MODE", "sandbox")
    monkeypatch.setenv("BROKER_BASE_URL", f"http://{host}:8400")
    with pytest.raises(ConfigurationInvalid, match="BROKER_BASE_URL"):
        load_settings()


def test_a_slash_at_the_end_of_the_base_url_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_BASE_URL", "https://broker.example/")
    assert load_settings().base_url == "https://broker.example"


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what the sandbox sets be undone after the test."""
    for name in (
        *("MODE", "BASE_URL", "PORT", "OUTBOUND_ALLOW", "DATA_DIR", "LOG_LEVEL"),
        *("WITNESSES", "WITNESS_QUORUM"),
    ):
        monkeypatch.setenv(f"BROKER_{name}", "to be undone")
        monkeypatch.delenv(f"BROKER_{name}")


@pytest.mark.usefixtures("clean_environment")
def test_a_sandbox_follows_its_port_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BROKER_SANDBOX_PORT_BASE", "9400")
    settings = enter_sandbox()
    assert (settings.mode, settings.base_url, settings.port) == (Mode.SANDBOX, "http://localhost:9400", 9400)
    called = {"localhost:9411", "localhost:9412", "localhost:9431", "localhost:9432"}
    assert settings.outbound_allow == called
    assert settings.data_dir == tmp_path / ".sandbox"


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize("base", ["1023", "65501", "x", "", "-8400"])
def test_a_port_base_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv("BROKER_SANDBOX_PORT_BASE", base)
    with pytest.raises(ConfigurationInvalid, match="SANDBOX_PORT_BASE"):
        enter_sandbox()


def test_witnesses_are_named_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_BASE_URL", "https://broker.example")
    assert (load_settings().witnesses, load_settings().witness_quorum) == ((), None)
    monkeypatch.setenv("BROKER_WITNESSES", "a+1+x  https://a.example , b+2+y https://b.example")
    monkeypatch.setenv("BROKER_WITNESS_QUORUM", "2")
    settings = load_settings()
    assert settings.witnesses == ("a+1+x https://a.example", "b+2+y https://b.example")
    assert settings.witness_quorum == 2


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_a_quorum_that_confirms_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("BROKER_BASE_URL", "https://broker.example")
    monkeypatch.setenv("BROKER_WITNESS_QUORUM", value)
    with pytest.raises(ConfigurationInvalid, match="WITNESS_QUORUM"):
        load_settings()
