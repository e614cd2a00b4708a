"""Names of a package that are imported at their first use, so that the import of the package is fast."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__: list[str] = []


def lazy_names(
    package: str, modules: Mapping[str, str], submodules: Collection[str] = ()
) -> Callable[[str], object]:
    """Return a ``__getattr__`` for a package, which imports a name at its first use.

    Packages assign it under ``if not TYPE_CHECKING``, because type checkers accept every name of a module that has one.

    Args:
        package: Name of the package.
        modules: For each module of the package, the public names that it defines, separated by spaces.
        submodules: Modules that are imported when they are read as attributes of the package.
    """
    module_of = {name: module for module, names in modules.items() for name in names.split()}

    def load(name: str) -> object:
        if name in submodules:
            return import_module(f"{package}.{name}")
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
