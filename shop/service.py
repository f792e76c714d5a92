"""What is no shop: signing in, what there is, what problems mean, and whether all is well."""

from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from django.views.generic import View
from drf_spectacular.views import SpectacularAPIView
from eventsourcing.persistence import PersistenceError
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from projections import metrics
from shop.docs import Schema, asks, example, shows
from shop.forms import Form, Secret, Text
from shop.parameters import Asked
from shop.problems import CATALOGUE, Problem


class Open(APIView):
    """Needs no sign-in."""

    schema = Schema()
    metadata_class = None
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        Asked(request, ()).settle()


class SignInThrottle(SimpleRateThrottle):
    """So many tries for a name from an address."""

    scope = "sign-in"
    rate = "10/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        name = str(request.data.get("username")).encode()
        return f"sign-in:{self.get_ident(request)}:{blake2b(name, digest_size=16).hexdigest()}"

    def get_ident(self, request: Request) -> str:
        """The caller's address; a header says it only where a proxy is known to write that header."""
        if api_settings.NUM_PROXIES is None:
            return str(request.META.get("REMOTE_ADDR"))
        return str(super().get_ident(request))


class SignInForm(Form):
    example = {"username": "support", "password": "correct horse battery staple"}

    username = Text(max_length=150)
    password = Secret(max_length=128)


class TokenSerializer(serializers.Serializer):
    example = {"token": "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"}

    token = serializers.CharField(help_text="For the header `Authorization: Token …`.")


class SignIn(Open):
    throttle_classes = [SignInThrottle]

    @asks(SignInForm, "authentication_failed", "throttled")
    @shows(TokenSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a name and a password for a token."""
        form = SignInForm(data=request.data or {})
        form.is_valid(raise_exception=True)
        user = authenticate(request._request, **form.validated_data)
        if user is None:
            raise AuthenticationFailed("There is no such user with that password.")
        token, _ = Token.objects.get_or_create(user=user)
        return Response({"token": token.key}, headers={"Cache-Control": "no-store"})


class Description(SpectacularAPIView):
    """The OpenAPI document; it takes a seventh of a second to write, and is the same until the next release."""

    authentication_classes: list[Any] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        Asked(request, ()).settle()


PLACES = (
    *("customers", "products", "repricings", "stock", "checkouts", "orders", "cards", "payments", "shipments", "mails"),
    *("billing/contacts", "billing/payments", "reports/sales", "reports/best-sellers", "reports/takings"),
    *("reports/unshipped", "reports/month-close", "events", "consistency"),
    *("ops/projections", "ops/parked", "ops/processes", "token", "schema", "docs", "problems"),
)


class IndexSerializer(serializers.Serializer):
    example = {place: f"/api/v1/{place}/" for place in PLACES}

    def get_fields(self) -> dict[str, serializers.Field]:
        return {place: serializers.CharField() for place in PLACES}


class Index(Open):
    @shows(IndexSerializer)
    def get(self, request: Request) -> Response:
        """What there is, and where; `docs` says what can be done with it."""
        return Response({place: f"{reverse('index')}{place}/" for place in PLACES})


class ProblemKindSerializer(serializers.Serializer):
    example = {
        "code": "sku_taken",
        "status": 409,
        "title": CATALOGUE["sku_taken"].title,
        "sample": example("sku_taken"),
    }

    code = serializers.CharField()
    status = serializers.IntegerField()
    title = serializers.CharField()
    sample = serializers.JSONField(help_text="How one looks.")


class Problems(Open):
    @shows(ProblemKindSerializer(many=True))
    def get(self, request: Request) -> Response:
        """All that can be wrong, by code: the `type` of a problem leads here."""
        return Response([_kind(code) for code in CATALOGUE])


class ProblemOf(Open):
    @shows(ProblemKindSerializer)
    def get(self, request: Request, code: str) -> Response:
        """What a problem with that code means."""
        if code not in CATALOGUE:
            raise Problem("not_found", f"There is no problem {code[:40]!r}; there is {', '.join(CATALOGUE)}.")
        return Response(_kind(code))


def _kind(code: str) -> dict[str, Any]:
    return {"code": code, "status": CATALOGUE[code].status, "title": CATALOGUE[code].title, "sample": example(code)}


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"status": "alive"})


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """For browsers that look at what is no page: an answer of the API."""
    return redirect(static("storefront/icon.svg"))


class Ready(View):
    """The database answers, and all migrations are applied. The broker may be away: nothing needs it but haste."""

    http_method_names = ["get", "head"]
    migrated = False  # seen once, it stays so for this process

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
            if not Ready.migrated:
                executor = MigrationExecutor(connection)
                Ready.migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except Error as error:
            return Problem("unavailable", f"The database does not answer: {type(error).__name__}.").answer()
        if not Ready.migrated:
            return Problem("unavailable", "Migrations are not applied yet.").answer()
        return JsonResponse({"status": "ready"})


@require_safe
def measured(request: HttpRequest) -> HttpResponse:
    """How the log and its projections do, for Prometheus: to whom has METRICS_TOKEN, and to staff who are signed in."""
    bearer = f"Bearer {settings.METRICS_TOKEN}" if settings.METRICS_TOKEN else None
    try:
        if not (bearer and constant_time_compare(request.headers.get("Authorization", ""), bearer)):
            if not request.user.is_authenticated:
                return Problem("not_authenticated").answer()
            if not request.user.is_staff:
                return Problem("permission_denied").answer()
        return HttpResponse(metrics.written(), content_type=metrics.CONTENT_TYPE, headers={"Cache-Control": "no-store"})
    except (Error, PersistenceError) as error:
        return Problem("unavailable", f"The database does not answer: {type(error).__name__}.").answer()
