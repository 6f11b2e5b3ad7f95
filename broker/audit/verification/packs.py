"""Opens a proof pack without trusting who made it: a zip that is read in memory, within limits, and never unpacked."""

import re
import zipfile
import zlib
from pathlib import Path

from broker.audit.verification.faults import Unreadable

_MOST_FILES = 50_000
_LARGEST_PACK = 64 * 1024 * 1024
_LARGEST_UNPACKED = 256 * 1024 * 1024
_LARGEST_INDEX = 8 * 1024 * 1024
_LARGEST_FILE = 128 * 1024
_INDEX = "pack.json"
_NAME = re.compile(
    r"pack\.json|README\.txt|receipts/[a-z0-9-]{1,120}\.tlog-proof"
    r"|disclosures/[a-z0-9-]{1,120}\.json|checkpoints/[a-z0-9-]{1,120}\.txt"
)
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1


def files_of(path: Path) -> dict[str, bytes]:
    """Return the files of a pack by name.

    Raises:
        Unreadable: it is no zip, too large, or holds what does not belong into a pack.
    """
    try:
        if path.stat().st_size > _LARGEST_PACK:
            raise Unreadable("The pack is too large.")
        with zipfile.ZipFile(path) as pack:
            return _read(pack)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Unreadable("The pack cannot be read: it is no zip file, or a damaged one.") from error


def _read(pack: zipfile.ZipFile) -> dict[str, bytes]:
    listed = pack.infolist()
    if len(listed) > _MOST_FILES:
        raise Unreadable(f"The pack holds more than {_MOST_FILES} files.")
    files: dict[str, bytes] = {}
    total = 0
    for one in listed:
        _check(one, files)
        most = _LARGEST_INDEX if one.filename == _INDEX else _LARGEST_FILE
        with pack.open(one) as file:
            content = file.read(most + 1)  # what the directory says of the size is the sender's word
        total += len(content)
        if len(content) > most or total > _LARGEST_UNPACKED:
            raise Unreadable("A file of the pack is too large.")
        files[one.filename] = content
    return files


def _check(one: zipfile.ZipInfo, known: dict[str, bytes]) -> None:
    if _NAME.fullmatch(one.filename) is None:
        raise Unreadable("The pack holds a file that does not belong into a pack.")
    if one.filename in known:
        raise Unreadable("The pack holds two files of one name.")
    if one.compress_type not in _METHODS or one.flag_bits & _ENCRYPTED:
        raise Unreadable("The pack holds a file that is packed in an unknown way, or encrypted.")
