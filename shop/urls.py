"""Where everything is."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from shop import service
from shop.catalog.api import Products
from shop.customers.api import Customers
from shop.ordering.api import Orders

router = SimpleRouter(use_regex_path=False)
router.register("customers", Customers, basename="customers")
router.register("products", Products, basename="products")
router.register("orders", Orders, basename="orders")

api = [
    path("", service.Index.as_view(), name="index"),
    *router.urls,
    path("token/", service.SignIn.as_view(), name="token"),
    path("problems/", service.Problems.as_view(), name="problems"),
    path("problems/<slug:code>/", service.ProblemOf.as_view(), name="problem"),
    path("schema/", cache_page(3600)(service.Description.as_view()), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(authentication_classes=[]), name="docs"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
    path("healthz", service.alive),
    path("readyz", service.Ready.as_view()),
]
