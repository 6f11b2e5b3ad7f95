"""Groups of commands that import a command when it is asked for: most need little of the broker, and start at once."""

import gc
import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import click


class Lazy(click.Group):
    """A group whose commands stand in modules of a package: `modules` says of each `module` or `module:name`."""

    def __init__(self, *args: Any, package: str, modules: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._package = package
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._modules})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._modules[cmd_name].partition(":")
        command: click.Command = getattr(_imported(f"{self._package}.{module}"), name or module)
        return command


def _imported(name: str) -> ModuleType:
    """Import a module without searching for garbage: there is none, and the searches take a fifth of the time.

    What is imported is left out of later searches too; it stays as long as the process.
    """
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()
