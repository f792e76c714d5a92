"""Asking for a command: a form, the command, and the object as it is afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID, uuid5

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from eventstore.browser import life
from eventstore.browser.values import Values
from eventstore.cause import because
from eventstore.commands import VersionConflict, at_version
from eventstore.domain import uuid7
from projections.waiting import wait_until
from shop.admin import fields
from shop.admin.ask import Ask, Reason
from shop.application import Receipt
from shop.http import problem_of

KEYS = UUID("2c0f5f4e-3d4b-5f0b-9c66-5be3a7a1c1a4")  # the namespace of the keys of forms
PATIENCE = 3.0  # seconds for lists to see what was just done
MOST = 200  # objects at once
SHOWN = 10  # of what was refused
NOT_YET = "The list does not show it yet: it has not come to position {}."


class Chosen(NamedTuple):
    """An object, and the version of it that was looked at."""

    row: Any
    seen: int | None


class Asking:
    """One form of one ask, about one object or several."""

    def __init__(self, ask: Ask, chosen: Sequence[Chosen], request: HttpRequest) -> None:
        self.ask, self.chosen, self.request = ask, chosen, request
        self.form = ask.form()
        self.why = None if "reason" in self.form.fields else Reason()
        row = chosen[0].row
        self.choices = ask.choices(row)
        self.texts: Mapping[str, str] = fields.flat(ask.begins(row)) if len(chosen) == 1 else {}
        self.errors: dict[str, list[str]] = {}
        self.since: list[Any] = []  # what others did to it meanwhile
        self.key = str(uuid7())
        if request.method == "POST":
            self.texts = {name: str(value) for name, value in request.POST.items()}
            self.key = self.texts.get("key", self.key)[:40]

    @property
    def inputs(self) -> Iterator[fields.Field]:
        yield from fields.shown(self.form, self.texts, self.errors, self.choices)
        if self.why:
            yield from fields.shown(self.why, self.texts, self.errors, {})

    @property
    def general(self) -> list[str]:
        """What is wrong, and with no one field."""
        known = set(names(self.inputs))
        return [text for name, texts in self.errors.items() if name not in known for text in texts]

    def facts(self) -> tuple[dict[str, Any], str] | None:
        """What is asked, and why; None: it is wrong, and ``errors`` say how."""
        asked = type(self.form)(data=fields.body(self.form, self.texts))
        why = Reason(data=fields.body(self.why, self.texts)) if self.why else None
        if not asked.is_valid():
            self.errors |= fields.wrong(asked.errors)
        if not self.why and not self.texts.get("reason", "").strip():
            self.errors["reason"] = ["Say why: it is kept with what happens."]
        if why and not why.is_valid():
            self.errors |= fields.wrong(why.errors)
        if self.errors:
            return None
        reason = why.validated_data["reason"] if why else asked.validated_data["reason"]
        return dict(asked.validated_data), reason

    def do(self, each: Chosen, facts: Mapping[str, Any], reason: str) -> Receipt | None:
        """Ask the command; None: it was refused, and ``errors`` say why."""
        command_id = uuid5(KEYS, f"{self.request.user.pk}:{self.key}:{each.row.pk}")
        actor = self.request.user.get_username()
        seen = nullcontext() if each.seen is None else at_version(each.seen)
        try:
            with because(actor=actor, reason=reason, command_id=command_id), seen:
                return self.ask.command(*self.ask.arguments(each.row), **facts)
        except VersionConflict:
            self.errors[""] = ["Somebody was faster: it is not as you saw it. Nothing was changed. Decide again."]
            self.since = since(each)
        except Exception as error:
            if not (problem := problem_of(error)):
                raise
            said = problem.errors or [{"detail": problem.detail or f"{problem.kind.title}."}]
            for one in said:
                place = one.get("pointer", "").strip("/").replace("/", ".")
                self.errors.setdefault(place, []).append(one["detail"])
        return None


def names(inputs: Any) -> Iterator[str]:
    for each in inputs:
        yield each.name
        yield from names(each.inner)


def since(each: Chosen) -> list[Any]:
    """What happened to it after the version that was looked at: each event with its changes, for a person to read."""
    _, last = life.version_at(each.row.pk, None)
    if last is None or each.seen is None or last <= each.seen:
        return []
    lived = life.live(each.row.pk, last, last)
    values = Values("admin", ())
    return [
        (step.told, [(change.field, values.change(change.before, change.after)) for change in step.changes])
        for step in lived.steps
        if step.told.entry.version > each.seen
    ]


def answer(pages: Any, asking: Asking, back: str, *, is_list: bool = False) -> HttpResponse:
    """The form; or, posted, what came of it. ``pages`` is the admin of the objects."""
    request = asking.request
    if request.method == "POST" and (found := asking.facts()):
        if len(asking.chosen) > 1:
            return _several(pages, asking, *found, back)
        receipt = asking.do(asking.chosen[0], *found)
        if receipt is not None:
            return _done(pages, asking, receipt, back, is_list=is_list)
    now = pages.get_object(request, str(asking.chosen[0].row.pk)) if asking.since else None
    context = {
        **pages.admin_site.each_context(request),
        "opts": pages.opts,
        "title": asking.ask.title,
        "asking": asking,
        "seen": [f"{each.row.pk}:{_version(asking, each, now)}" for each in asking.chosen],
        "back": back,
    }
    status = 422 if asking.errors else 200
    return TemplateResponse(request, "desk/ask.html", context, status=status)


def _version(asking: Asking, each: Chosen, now: Any) -> Any:
    """Where others were faster, the next try is about what is shown now."""
    version = asking.since[-1][0].entry.version if now is not None and asking.since else each.seen
    return "" if version is None else version


def _done(pages: Any, asking: Asking, receipt: Receipt, back: str, *, is_list: bool) -> HttpResponse:
    if receipt.position is None:
        messages.info(asking.request, f"{asking.ask.title}: nothing to change, it was so already.")
        return redirect(back)
    messages.success(asking.request, f"{asking.ask.title}: done.")
    if not wait(pages, receipt.position):
        if is_list:
            messages.warning(asking.request, NOT_YET.format(receipt.position))
        else:
            back += f"?{urlencode({'after': receipt.position})}"  # the page says that it does not know of it yet
    return redirect(back)


def _several(pages: Any, asking: Asking, facts: dict[str, Any], reason: str, back: str) -> HttpResponse:
    done, same, refused, last = 0, 0, list[str](), 0
    for each in asking.chosen:
        asking.errors = {}
        receipt = asking.do(each, facts, reason)
        if receipt is None:
            refused.append(f"{each.row}: {' '.join(text for texts in asking.errors.values() for text in texts)}")
        elif receipt.position is None:
            same += 1
        else:
            done, last = done + 1, max(last, receipt.position)
    already = f" {same} were so already." if same else ""
    messages.success(asking.request, f"{asking.ask.title}: {done} of {len(asking.chosen)} done.{already}")
    for text in refused[:SHOWN]:
        messages.error(asking.request, text)
    if len(refused) > SHOWN:
        messages.error(asking.request, f"… and {len(refused) - SHOWN} more were refused.")
    if last and not wait(pages, last):
        messages.warning(asking.request, NOT_YET.format(last))
    return redirect(back)


def wait(pages: Any, position: int) -> bool:
    """Until what the pages show has seen it."""
    return not pages.keepers or wait_until(position, *pages.keepers, timeout=PATIENCE)
