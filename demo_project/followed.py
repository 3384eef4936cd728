"""How far a follower has come, for pages that show what it wrote."""

from factos_django.models import ProjectionState

__all__ = ["applied"]


def applied(projection: str) -> int:
    """Return the position up to which the follower has applied the facts; 0 before it began.

    Ask before you read the rows, so that they are no older than you say.
    """
    state = ProjectionState.objects.filter(pk=projection).first()
    return state.position if state else 0
