"""Members log in by their address."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models

__all__ = ["Member", "MemberManager"]


class MemberManager(BaseUserManager["Member"]):
    """Makes members."""

    def create_superuser(self, email: str, **fields: Any) -> Member:
        """Add a member who may do everything."""
        return self.create(email=email, is_superuser=True, **fields)


class Member(AbstractBaseUser, PermissionsMixin):
    """Who logs in."""

    email = models.EmailField(primary_key=True)
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = MemberManager()

    def __str__(self) -> str:
        return str(self.email)
