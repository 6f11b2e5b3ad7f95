"""Opens the figures of this machine: a folder that is emptied when the server starts, and is its owner's alone."""

from pathlib import Path
from typing import TYPE_CHECKING

from broker.errors import ConfigurationInvalid
from broker.settings import Settings, keep_figures_in

if TYPE_CHECKING:
    from broker.metrics.figures import Figures


def folder_of(settings: Settings) -> Path:
    """Return where the server processes count, one file each."""
    return settings.data_dir / "metrics"


def make_folder(settings: Settings) -> Path:
    """Make the folder if there is none.

    Raises:
        ConfigurationInvalid: it cannot be made or used.
    """
    folder = folder_of(settings)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationInvalid(f"The folder {folder} cannot be made: {error.strerror}.") from error
    return folder


def open_figures(settings: Settings) -> "Figures | None":
    """Begin to count from nothing; None, and nothing is counted, without BROKER_METRICS_PORT.

    Raises:
        ConfigurationInvalid: the folder cannot be made or emptied.
    """
    if settings.metrics_port is None:
        return None
    folder = make_folder(settings)
    try:
        for file in folder.glob("*.db"):
            file.unlink()
    except OSError as error:
        raise ConfigurationInvalid(f"The folder {folder} cannot be emptied: {error.strerror}.") from error
    keep_figures_in(folder)
    from broker.metrics.figures import Figures  # noqa: PLC0415 - the library looks for the folder when it is imported

    return Figures()
