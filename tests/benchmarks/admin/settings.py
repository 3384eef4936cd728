"""The settings of the projections' benchmark, with the admin at its address."""

from tests.benchmarks.tally.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.admin.urls"
