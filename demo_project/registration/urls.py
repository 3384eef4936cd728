"""The addresses of registration."""

from django.urls import path

from demo_project.registration import pages

app_name = "registration"

urlpatterns = [
    path("", pages.home, name="home"),
    path("at-once/", pages.rush_at, name="rush"),
    # What a member is called is the application's to choose, and may hold a slash.
    path("members/<path:member>/", pages.member, name="member"),
]
