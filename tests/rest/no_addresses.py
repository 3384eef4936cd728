"""The addresses of a project without the API."""

urlpatterns: list[None] = []
