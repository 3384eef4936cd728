"""The demo's addresses."""

from django.contrib import admin
from django.urls import include, path

from demo_project import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("tickets/", include("demo_project.ticketing.urls")),
    path("names/", include("demo_project.registration.urls")),
    path("accounts/", include("demo_project.banking.urls")),
    path("invoices/", include("demo_project.billing.urls")),
    path("commands/", include("demo_project.commands")),
    path("admin/", admin.site.urls),
    path("api/", include("factos_django.rest_framework.urls")),
]
