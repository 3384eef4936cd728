"""The commands of each context over HTTP, and the description of all of them (``schema/``, ``docs/``)."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from factos_django.rest_framework.surfaces.docs import DocsPage

app_name = "commands"

contexts = [
    path("ticketing/", include("demo_project.ticketing.endpoints")),
    path("registration/", include("demo_project.registration.endpoints")),
    path("banking/", include("demo_project.banking.endpoints")),
    path("billing/", include("demo_project.billing.endpoints")),
]

# The page of the API describes what is beside it, so it does for commands, too.
urlpatterns = [
    *contexts,
    path(
        "schema/",
        SpectacularJSONAPIView.as_view(patterns=[path("commands/", include(contexts))]),
        name="schema",
    ),
    path("docs/", DocsPage.as_view(schema=None), name="docs"),  # which the API describes already
]
