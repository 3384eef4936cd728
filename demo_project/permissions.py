"""Who may do what over the demo's API: anybody reads the log. All else is left to Django's permissions."""

from factos_django.rest_framework import ApiPermissions

__all__ = ["OpenToReaders"]


class OpenToReaders(ApiPermissions):
    """The pages follow the log by its feed, and whoever visits them has no login.

    Nothing here is private. A project of your own would say ``may_read``, or ask for a permission.
    """

    def may_view_events(self) -> bool:
        """Anybody: facts, their types, and the feed."""
        return True

    def may_view_event_data(self) -> bool:
        """Anybody."""
        return True

    def may_view_schema(self) -> bool:
        """Anybody: what the API can do is no secret."""
        return True
