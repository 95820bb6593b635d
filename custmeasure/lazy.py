"""Names of a package that are loaded when they are first used."""

import gc
import importlib
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any


def attach(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package
        Its name.
    homes
        Module → the names in it that the package offers; its own last name means the module itself.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def load(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = loaded(home_of[name])
        return home if home.__name__ == f"{package}.{name}" else getattr(home, name)

    def listed() -> list[str]:
        return sorted(home_of)

    return load, listed


def loaded(*modules: str) -> ModuleType:
    """Return the last of some modules, all loaded in this order.

    Nobody looks for garbage meanwhile: modules make none, and loading pandas takes a sixth less.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return [importlib.import_module(name) for name in modules][-1]
    finally:
        if was_on:
            gc.enable()
