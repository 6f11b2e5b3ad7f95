"""Where the sandbox's audit logs are and whose keys sign them: what an outside program needs to check them."""

from typing import Any

from broker.audit.log_keys import LogKeys
from broker.audit.tree import listed
from broker.crypto.keyset import load_keyset
from broker.settings import Settings
from broker.storage.engine import Database


def current_logs(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return origin, address and verifier keys of each owner's current log; `vkey` is that of the newest key."""
    keyset = load_keyset(settings.key_file)
    keys = LogKeys(keyset.log, keyset.retired_log)
    database = Database(settings.database_url)
    with database.read() as session:
        origins = [head.origin for head in listed(session) if head.is_current]
    database.close()
    return {origin.split("/")[-2]: _told(settings, keys, origin) for origin in origins}


def _told(settings: Settings, keys: LogKeys, origin: str) -> dict[str, Any]:
    vkeys = keys.vkeys(origin)
    url = settings.base_url + origin.removeprefix(settings.base_host)
    return {"origin": origin, "url": url, "vkey": vkeys[0], "vkeys": list(vkeys)}
