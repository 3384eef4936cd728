"""The addresses of ticketing."""

from django.urls import path

from demo_project.ticketing import pages

app_name = "ticketing"

urlpatterns = [
    path("", pages.home, name="home"),
    # A conference's name is the application's to choose, and may hold a slash.
    path("<path:conference>/stampede/", pages.stampede_at, name="stampede"),
    path("<path:conference>/", pages.conference, name="conference"),
]
