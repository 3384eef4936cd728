"""Where the app's event types are found by themselves."""

from .domain import HallOpened, SeatSold

__all__ = ["HallOpened", "SeatSold"]
