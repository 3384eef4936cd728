"""Who looks at the admin: a superuser that the demo makes, where it is nobody's production."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.crypto import salted_hmac

__all__ = ["USERNAME", "how_to_log_in", "password_of_demo"]

USERNAME = "demo"


def password_of_demo() -> str:
    """Return the password: the same each time, and another one for each SECRET_KEY."""
    return salted_hmac("demo_project.showcase.login", USERNAME, algorithm="sha256").hexdigest()[:12]


def how_to_log_in() -> str:
    """Return it in words. The user is made if there is none; one that is somebody's is left alone."""
    if not settings.DEBUG:
        return "no login is made where DEBUG is off (manage.py createsuperuser)"
    user, password = User.objects.filter(username=USERNAME).first(), password_of_demo()
    if user is None:
        user = User.objects.create_superuser(USERNAME, password=password)
    if not user.check_password(password):
        return f"there is a user {USERNAME} already, with a password that only its owner knows"
    return f"user {USERNAME}, password {password}"
