"""The tags of the log, and the history of one."""

from factos_django.admin.tags.tag_admin import TagAdmin

__all__ = ["TagAdmin"]
