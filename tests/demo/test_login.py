"""The login of the demo: made where it does no harm, and nobody's is touched."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from demo_project.showcase.login import how_to_log_in, password_of_demo

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def debug(settings):
    settings.DEBUG = True


def test_it_is_made_once_and_told_each_time(settings):
    told = how_to_log_in()
    assert told == how_to_log_in() == f"user demo, password {password_of_demo()}"
    user = authenticate(username="demo", password=password_of_demo())
    assert user is not None
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert User.objects.count() == 1


def test_no_login_is_made_where_debug_is_off(settings):
    settings.DEBUG = False
    assert "DEBUG is off" in how_to_log_in()
    assert not User.objects.exists()


def test_a_user_of_that_name_keeps_the_password(settings):
    User.objects.create_user("demo", password="her own")
    assert "a password that only its owner knows" in how_to_log_in()
    assert authenticate(username="demo", password="her own") == User.objects.get()
    assert not User.objects.get().is_superuser


def test_the_password_is_another_one_where_the_key_is(settings):
    first = password_of_demo()
    settings.SECRET_KEY = "somebody's own"
    assert password_of_demo() != first
