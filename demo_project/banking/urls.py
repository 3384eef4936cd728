"""The addresses of banking."""

from django.urls import path

from demo_project.banking import pages

app_name = "banking"

urlpatterns = [
    path("", pages.home, name="home"),
    # An account's name is the application's to choose, and may hold a slash.
    path("<path:account>/", pages.account, name="account"),
]
