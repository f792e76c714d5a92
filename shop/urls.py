"""Where everything is."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import cache_page
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from shop import consistency, feed, ops, service, trace
from shop.billing.api import Contacts, OrderPayments, Takings
from shop.catalog.api import Products
from shop.catalog.repricing.api import Repricings
from shop.customers.api import Customers
from shop.desk import copies, process
from shop.fulfilment.api import Processes
from shop.inventory.api import Stock
from shop.notifications.api import Mails
from shop.ordering.api import Orders
from shop.ordering.checkout.api import Checkouts
from shop.payments.api import Payments
from shop.payments.webhooks import Webhook
from shop.reporting.api import BestSellers, MonthClose, Sales, Unshipped
from shop.shipping.api import Shipments
from shop.vault.api import Cards

router = SimpleRouter(use_regex_path=False)
router.register("customers", Customers, basename="customers")
router.register("products", Products, basename="products")
router.register("repricings", Repricings, basename="repricings")
router.register("orders", Orders, basename="orders")
router.register("checkouts", Checkouts, basename="checkouts")
router.register("ops/processes", Processes, basename="processes")
router.register("payments", Payments, basename="payments")
router.register("cards", Cards, basename="cards")
router.register("stock", Stock, basename="stock")
router.register("shipments", Shipments, basename="shipments")

api = [
    path("", service.Index.as_view(), name="index"),
    *router.urls,
    path("events/", feed.Events.as_view(), name="events"),
    path("consistency/", consistency.Consistency.as_view(), name="consistency"),
    path("ops/", include(ops.urls)),
    path("ops/trace/<slug:correlation_id>/", trace.Trace.as_view(), name="ops-trace"),
    path("orders/<uuid:pk>/process/", Processes.as_view({"get": "of_order"}, basename="processes")),
    path("payments/webhook/", Webhook.as_view(), name="payments-webhook"),
    path("mails/", Mails.as_view({"get": "list"}, basename="mails"), name="mails-list"),
    path("mails/<uuid:pk>/", Mails.as_view({"get": "retrieve"}, basename="mails"), name="mails-detail"),
    path("billing/contacts/", Contacts.as_view({"get": "list"}, basename="contacts"), name="contacts-list"),
    path("billing/payments/", OrderPayments.as_view({"get": "list"}, basename="order-payments")),
    path("reports/takings/", Takings.as_view({"get": "list"}, basename="takings"), name="takings-list"),
    path("reports/sales/", Sales.as_view({"get": "list"}, basename="sales"), name="sales-list"),
    path("reports/month-close/", MonthClose.as_view({"get": "close"}, basename="months"), name="month-close"),
    path("reports/unshipped/", Unshipped.as_view({"get": "list"}, basename="unshipped"), name="unshipped-list"),
    path("reports/best-sellers/", BestSellers.as_view({"get": "list"}, basename="best-sellers")),
    path("token/", service.SignIn.as_view(), name="token"),
    path("problems/", service.Problems.as_view(), name="problems"),
    path("problems/<slug:code>/", service.ProblemOf.as_view(), name="problem"),
    path("schema/", cache_page(3600, cache="process")(service.Description.as_view()), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(authentication_classes=[]), name="docs"),
]

urlpatterns = [
    path("", include("shop.storefront.urls")),
    path("api/v1/", include(api)),
    path("admin/consistency/", admin.site.admin_view(consistency.page), name="consistency-page"),
    path("admin/copies/", admin.site.admin_view(copies.choose), name="customers-copies"),
    path("admin/copies/<uuid:customer_id>/", admin.site.admin_view(copies.page), name="customer-copies"),
    path("admin/processes/<uuid:process_id>/", admin.site.admin_view(process.page), name="process-page"),
    path("admin/", include("shop.desk.urls")),
    path("admin/", admin.site.urls),
    path("tour/", include("shop.demo.urls")),
    path("favicon.ico", service.icon),
    path("healthz", service.alive),
    path("readyz", service.Ready.as_view()),
    path("metrics", service.measured),
]

# The pages of what goes wrong; the API's are problems (shop/http.py).
handler400, handler403, handler404, handler500 = (
    f"shop.storefront.errors.{view}" for view in ("bad_request", "forbidden", "not_found", "failed")
)
