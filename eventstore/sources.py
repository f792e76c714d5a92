"""The source of a module and of all that it imports: what two processes compare to know that they run the same code."""

import ast
import os
import sys
import threading
import time
from functools import cache
from hashlib import blake2b
from importlib import metadata
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import NamedTuple

LOADED = time.time()  # what was written since then may not be what this process runs


# Two threads that parse at once make CPython 3.11 raise SystemError: "AST constructor recursion depth mismatch".
parsing = threading.Lock()


class Unknown(Exception):
    """Whether a module is the one that its source says cannot be known."""


class Source(NamedTuple):
    digest: str
    imports: tuple[str, ...]  # absolute; among them may be names of what is in a module


def fingerprint(*modules: str) -> str:
    """The same for the same sources of ``modules`` and all that they import, on the same Python; of what is installed,
    the versions. Empty: that cannot be known, since one has no source, or one that was written after it was loaded.

    Not seen: settings, files that are read, and modules that are named only as the program runs.
    """
    own = {_top(name) for name in modules}
    found = dict[str, str]()
    left = list(modules)
    try:
        while left:
            name = left.pop()
            if name in found or _top(name) in sys.stdlib_module_names:
                continue
            if _top(name) not in own and _is_installed(_top(name)):
                found[_top(name)] = _version(_top(name))
            elif source := _source(name):
                found[name] = source.digest
                left += [name.rpartition(".")[0] or name, *source.imports]
            elif name in modules:
                return ""
    except Unknown:
        return ""
    return blake2b(repr((sys.version_info[:2], sorted(found.items()))).encode(), digest_size=12).hexdigest()


def _parse_anew() -> None:
    """A child has none of its parent's threads: none of them lets go of the lock."""
    global parsing  # noqa: PLW0603
    parsing = threading.Lock()


os.register_at_fork(after_in_child=_parse_anew)


@cache
def _source(name: str) -> Source | None:
    """None: ``name`` is no module, but something in one; or a folder."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    except Exception as error:  # made by hand, or the script that was started; or what it is in cannot be imported
        raise Unknown(name) from error
    if spec is None or not spec.has_location:
        return None
    path = Path(spec.origin or "")
    try:
        text = path.read_bytes()
        if path.suffix != ".py" or path.stat().st_ctime > LOADED:
            raise Unknown(name)
        with parsing:
            tree = ast.parse(text)
    except (OSError, SyntaxError) as error:
        raise Unknown(name) from error
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    return Source(blake2b(text, digest_size=12).hexdigest(), tuple(_imports(tree, package)))


def _imports(tree: ast.Module, package: str) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            found += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return found


@cache
def _is_installed(top: str) -> bool:
    spec = find_spec(top)
    places = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec else []
    return any({"site-packages", "dist-packages"} & set(Path(place).parts) for place in places)


@cache
def _version(top: str) -> str:
    try:
        return metadata.version(top)
    except metadata.PackageNotFoundError:
        return ""


def _top(name: str) -> str:
    return name.partition(".")[0]
