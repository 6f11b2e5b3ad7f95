"""Who looks at a log from outside, each with what that party has, through the real commands and addresses."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support.audited import KEYS, runs
from tests.support.evidence_scene import Scene

GOOD, UNCHECKED = "", "unchecked"
Party = Callable[[Scene], str]


def _judged(*arguments: str | Path) -> str:
    """Return the code of the fault that a command finds; GOOD without one, UNCHECKED when it could check nothing."""
    result = runs(*arguments, "--json")
    assert result.exit_code in {0, 1, 2}, result.output
    if result.exit_code == 1:
        return str(json.loads(result.stdout)["fault"]["code"])
    return GOOD if result.exit_code == 0 else UNCHECKED


def newcomer(scene: Scene) -> str:
    """Somebody with the log's key and nothing else."""
    return _judged("verify", *scene.online)


def last_checkpoint(scene: Scene) -> str:
    """The bank with the checkpoint that its last check has kept; it does not know the witness."""
    return _judged("verify", *scene.online, "--last-checkpoint", _copied(scene.folder / "last"))


def cosigned_checkpoint(scene: Scene) -> str:
    """The same bank, but it knows the witness, and so when the last checkpoint was seen."""
    witness = ("--witness", scene.cosigner.vkey, "--quorum", "0")
    return _judged("verify", *scene.online, "--last-checkpoint", _copied(scene.folder / "last"), *witness)


def mirror(scene: Scene) -> str:
    """The bank that keeps a mirror, and brings it up to date."""
    with tempfile.TemporaryDirectory(dir=scene.folder) as folder:
        shutil.copytree(scene.folder / "mirror", Path(folder) / "mirror")
        return _judged("mirror", *scene.online, "--to", Path(folder) / "mirror")


def witness(scene: Scene) -> str:
    """The witness, asked to sign what the log says now; it never sees an entry."""
    seen = scene.state()
    status = scene.shown_to_witness()
    scene.puts(seen)
    return GOOD if status == 200 else UNCHECKED if status is None else str(status)


def witnessed_only(scene: Scene) -> str:
    """A bank without any memory that accepts only what the witness has signed."""
    return _judged("verify", *scene.online, "--witness", scene.cosigner.vkey, "--quorum", "1")


def receipt(scene: Scene) -> str:
    """Somebody with a receipt of an entry that everybody has seen; the log's hashes are public."""
    return _shown(scene, "receipt")


def tail_receipt(scene: Scene) -> str:
    """Somebody with a receipt of an entry that nobody else has seen."""
    return _shown(scene, "tail-receipt")


def pack(scene: Scene) -> str:
    """A person with a proof pack of an earlier day."""
    return _shown(scene, "pack-receipt")


def served_list(scene: Scene) -> str:
    """The bank that knows which requests it has served, and with which entry each came."""
    return _judged("verify", *scene.online, "--served", scene.folder / "served.jsonl")


PARTIES: dict[str, Party] = {
    one.__name__: one
    for one in (
        newcomer,
        receipt,
        tail_receipt,
        pack,
        last_checkpoint,
        cosigned_checkpoint,
        mirror,
        witness,
        witnessed_only,
        served_list,
    )
}


def _shown(scene: Scene, name: str) -> str:
    return _judged("verify-receipt", scene.folder / name, "--key", KEYS[0], "--log", scene.audited.url)


def _copied(path: Path) -> Path:
    """A check that finds nothing replaces what it was given."""
    return Path(shutil.copy(path, path.with_name(f"{path.name}-copy")))
