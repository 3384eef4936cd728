"""The addresses of the API: ``path("api/", include("factos_django.rest_framework.urls"))``."""

from django.urls import path

from factos_django.rest_framework.surfaces.events import EventDetail, EventList
from factos_django.rest_framework.surfaces.queries import EventContext, EventQuery

app_name = "factos"

urlpatterns = [
    path("events/", EventList.as_view(), name="event-list"),
    path("events/query/", EventQuery.as_view(), name="event-query"),
    path("events/context/", EventContext.as_view(), name="event-context"),
    path("events/<str:position>/", EventDetail.as_view(), name="event-detail"),
]
