"""``docs/events.md``: every stored name, its facts and its past, as the domains of the installed apps say it."""

from typing import Any, get_args, get_origin, get_type_hints

from django.apps import AppConfig, apps

from eventstore.evolution import aliases, newest, retired_names
from eventstore.mapper import shape
from eventstore.names import classes, known

HEAD = """# Events

Every name that lies in the log, with its facts. Made by `manage.py events docs`; a test sees that it is up to date.
A sealed fact is personal: it is stored encrypted, and reads as `[erased]` once that person is forgotten.
"""


def pages() -> str:
    """In Markdown, by app and aggregate."""
    told = [HEAD]
    for app in apps.get_app_configs():
        of_app = [name for name in sorted(known()) if _is_of(classes[name].__module__, app)]
        for aggregate in sorted({name.partition(".")[0] for name in of_app}):
            cls = classes[aggregate]
            told += [f"\n## {aggregate} ({app.verbose_name.lower()})\n", f"{(cls.__doc__ or '').strip()}\n"]
            told += ["| event | facts |", "|---|---|"]
            told += [f"| {name} | {_facts(name)} |" for name in of_app if name.startswith(f"{aggregate}.")]
    if aliases or retired_names:
        told += ["\n## Names of the past\n", "| stored as | read as |", "|---|---|"]
        told += [
            f"| {old} | {now if isinstance(now, str) else 'by its facts'} |" for old, now in sorted(aliases.items())
        ]
        told += [f"| {name} | nothing: retired |" for name in sorted(retired_names)]
    return "\n".join(told) + "\n"


def _is_of(module: str, app: AppConfig) -> bool:
    """Whether it is a ``domain`` of ``app``: its own, or that of a part of it."""
    return module.endswith(".domain") and apps.get_containing_app_config(module) is app


def _facts(name: str) -> str:
    known_shape = shape(name)
    hints = get_type_hints(known_shape.cls, include_extras=True)
    facts = [
        f"`{field}`: {_word(hints[field])}" + (" (sealed)" if field in known_shape.personal else "")
        for field in known_shape.names
    ]
    reshaped = f"; shape {newest(name)}" if newest(name) > 1 else ""
    return (", ".join(facts) or "–") + reshaped


def _word(hint: Any) -> str:
    if hasattr(hint, "__metadata__"):
        hint = get_args(hint)[0]
    if hint is type(None):
        return "nothing"
    if args := [_word(arg) for arg in get_args(hint) if arg is not Ellipsis]:
        origin = getattr(get_origin(hint), "__name__", "")
        return " or ".join(args) if origin in ("Union", "UnionType") else f"{origin} of {', '.join(args)}"
    return str(getattr(hint, "__name__", hint))
