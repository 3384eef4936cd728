"""The addresses of billing."""

from django.urls import path

from demo_project.billing import pages

app_name = "billing"

urlpatterns = [
    path("", pages.home, name="home"),
    # A series' name is the application's to choose, and may hold a slash.
    path("<path:series>/<int:number>/", pages.invoice, name="invoice"),
    path("<path:series>/", pages.series, name="series"),
]
