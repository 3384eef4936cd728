"""The app of parcels."""

from __future__ import annotations

import os

from django.apps import AppConfig


class ParcelsConfig(AppConfig):
    name = "tests.parcels"
    label = "parcels"

    def ready(self) -> None:
        """Arm the failpoint that a test has given this process."""
        if "FACTOS_TEST_FAILPOINT" in os.environ:
            from tests.effects.failpoints import arm

            arm()
