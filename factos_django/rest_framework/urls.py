"""The addresses of the API: ``path("api/", include("factos_django.rest_framework.urls"))``."""

from django.urls import URLPattern, path

from factos_django.rest_framework.surfaces.append import EventAppend
from factos_django.rest_framework.surfaces.docs import DocsPage
from factos_django.rest_framework.surfaces.effects import (
    EffectDetail,
    EffectDrop,
    EffectList,
    EffectRetry,
)
from factos_django.rest_framework.surfaces.event_types import EventTypeDetail, EventTypeList
from factos_django.rest_framework.surfaces.events import EventDetail, EventList
from factos_django.rest_framework.surfaces.feed import EventFeed
from factos_django.rest_framework.surfaces.projections import (
    ProjectionDetail,
    ProjectionList,
    ProjectionRebuild,
    ProjectionResume,
)
from factos_django.rest_framework.surfaces.queries import EventContext, EventQuery
from factos_django.rest_framework.surfaces.rows import ProjectionRows
from factos_django.rest_framework.surfaces.schema import SchemaDocument
from factos_django.rest_framework.surfaces.tags import TagList

app_name = "factos"

urlpatterns: list[URLPattern] = []
urlpatterns += [
    path("events/", EventList.as_view(), name="event-list"),
    path("events/append/", EventAppend.as_view(), name="event-append"),
    path("events/feed/", EventFeed.as_view(), name="event-feed"),
    path("events/query/", EventQuery.as_view(), name="event-query"),
    path("events/context/", EventContext.as_view(), name="event-context"),
    path("events/<str:position>/", EventDetail.as_view(), name="event-detail"),
    path("event-types/", EventTypeList.as_view(), name="event-type-list"),
    path("event-types/<str:name>/", EventTypeDetail.as_view(), name="event-type-detail"),
    path("tags/", TagList.as_view(), name="tag-list"),
    path("projections/", ProjectionList.as_view(), name="projection-list"),
    path("projections/<str:name>/", ProjectionDetail.as_view(), name="projection-detail"),
    path("projections/<str:name>/rows/", ProjectionRows.as_view(), name="projection-rows"),
    path("projections/<str:name>/rebuild/", ProjectionRebuild.as_view(), name="projection-rebuild"),
    path("projections/<str:name>/resume/", ProjectionResume.as_view(), name="projection-resume"),
    path("effects/", EffectList.as_view(), name="effect-list"),
    path("effects/<str:id>/", EffectDetail.as_view(), name="effect-detail"),
    path("effects/<str:id>/retry/", EffectRetry.as_view(), name="effect-retry"),
    path("effects/<str:id>/drop/", EffectDrop.as_view(), name="effect-drop"),
    path("schema/", SchemaDocument.as_view(addresses=urlpatterns), name="schema"),
    path("docs/", DocsPage.as_view(), name="docs"),
]
