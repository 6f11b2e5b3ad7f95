"""Settings for a broker inside a test: a sandbox on one SQLite file in the test's own folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from broker.settings import Mode, Settings, default_policies_dir

BASE_URL = "http://localhost:8400"


def sandbox_settings(folder: Path, **changes: Any) -> Settings:
    settings = Settings(
        mode=Mode.SANDBOX,
        base_url=BASE_URL,
        database_url=f"sqlite:///{folder / 'broker.db'}",
        data_dir=folder,
        key_file=folder / "keys.json",
        policies_dir=default_policies_dir(),
        host="127.0.0.1",
        port=8400,
        workers=1,
        threads=8,
        pin_workers="auto",
        log_level="INFO",
        outbound_allow=frozenset(),
        events_allow=frozenset(),
        bank_timeout_s=5.0,
        bank_answer_max_bytes=100_000,
        requests_max=256,
        request_max_bytes=128 * 1024,
        jwks_cache_s=300,
        disk_reserve_bytes=0,
        dpop_nonce_required=False,
        deletion_days=30,
        witnesses=(),
        witness_quorum=None,
        smtp_url=None,
        mail_from=None,
        metrics_port=None,
        sandbox_port_base=8400,
    )
    return replace(settings, **changes)
