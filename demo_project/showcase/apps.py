"""What shows the demo as a whole: it knows all contexts, and none of them knows it."""

from django.apps import AppConfig


class ShowcaseConfig(AppConfig):
    """It has the commands that seed the log, serve the project and sum it up, and no facts of its own."""

    name = "demo_project.showcase"
    label = "showcase"
    verbose_name = "Showcase"
