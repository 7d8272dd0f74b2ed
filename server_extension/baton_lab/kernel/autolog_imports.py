"""Tells when a notebook's code has imported one of some modules, without importing anything."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class Imports(MetaPathFinder):
    """Calls ``done`` right after an import that brought one of the modules named.

    Where one of them is imported while another one is, ``done`` waits for the outermost:
    what it does finds no module half made. It is called in the importing thread, and again
    at the next such import until `end`.
    """

    def __init__(self, names: Collection[str], done: Callable[[], None]) -> None:
        self._names = frozenset(names)
        self._done = done
        self._here = threading.local()

    def begin(self) -> None:
        """Watch from now on."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def end(self) -> None:
        """Leave imports alone again."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module that is watched comes from, found by the others."""
        if name not in self._names or name in sys.modules:
            return None
        for finder in [*sys.meta_path]:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Followed(spec.loader, self)
                return spec
        return None

    def load(self, loader: Any, module: ModuleType) -> None:
        """Load a module, and tell when no other one is half made."""
        depth = getattr(self._here, "depth", 0)
        self._here.depth = depth + 1
        try:
            loader.exec_module(module)
        finally:
            self._here.depth = depth
        if depth == 0 and self in sys.meta_path:
            self._done()


class _Followed(Loader):
    """A loader that steps aside as soon as it is used: the module keeps its own."""

    def __init__(self, loader: Any, imports: Imports) -> None:
        self._loader = loader
        self._imports = imports

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._imports.load(self._loader, module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
