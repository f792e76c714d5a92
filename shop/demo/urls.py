"""Where the tour is; without DEMO, nowhere."""

from django.urls import path

from shop.demo import tour

urlpatterns = [
    path("", tour.tour, name="tour"),
    path("<slug:slug>/do/", tour.do, name="tour-do"),
    path("<slug:slug>/<int:number>/", tour.go, name="tour-go"),
]
