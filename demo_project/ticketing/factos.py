"""What factos finds when Django starts: importing the domain registers its event types."""

from demo_project.ticketing import domain

__all__ = ["domain"]
