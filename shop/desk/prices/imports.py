"""Prices from a file: uploaded or pasted, and shown before anything is changed."""

from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from shop.catalog.repricing.files import LARGEST, MOST, WrongFile, read
from shop.catalog.repricing.known import shown
from shop.catalog.repricing.previews import preview
from shop.desk.doors import only, show
from shop.desk.prices.kept import keep


@only("repricings.create")
@csrf_protect
def load(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return form(request)
    pasted = request.POST.get("text", "")
    upload = request.FILES.get("file")
    try:
        if upload is None and not pasted.strip():
            raise WrongFile("Expected a file, or lines in the box; found neither.")
        if upload is not None and (upload.size or 0) > LARGEST:
            size = (upload.size or 0) / 2**20
            raise WrongFile(f"Expected at most {LARGEST / 2**20:.0f} MB, found {size:.1f} MB. Split the file.")
        now = datetime.now(UTC)
        wanted, wrong = read(pasted.encode() if upload is None else upload.read(), now)
    except WrongFile as error:
        return form(request, str(error), pasted)
    found = preview(wanted, shown([each.sku for each in wanted], now), settings.SHOP_CURRENCY, wrong)
    title = "Pasted prices" if upload is None else (upload.name or "A file")[:200]
    by = request.user.get_username()
    draft = keep(found, kind="import", title=title, by=by)
    return redirect("price-draft", draft.id)


@csrf_exempt  # checked inside, once it is known that the form can be read
def importing(request: HttpRequest) -> HttpResponse:
    """GET: a form; POST: the preview of a file, or what is wrong with it."""
    try:
        _ = request.POST
    except RequestDataTooBig:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024
        request.method = "GET"
        return form_for_who_may(request, f"Expected at most {most} KB in the box, found more. Upload it as a file.")
    return load(request)


def form(request: HttpRequest, wrong: str = "", text: str = "") -> HttpResponse:
    return show(
        request,
        "desk/prices/import.html",
        "Import prices",
        status=422 if wrong else 200,
        wrong=wrong,
        text=text,
        most=MOST,
        largest=LARGEST // 2**20,
    )


form_for_who_may = only("repricings.create")(form)
