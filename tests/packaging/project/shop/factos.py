"""Where the app's event types and projections are found by themselves."""

from factos_django import Recorded
from factos_django.projections import projection

from .domain import HALL_FACTS, Fact, HallOpened, SeatSold, sales

__all__ = ["HallOpened", "SeatSold", "hall_sales"]


def hall_of(recorded: Recorded[Fact]) -> str:
    return recorded.event.hall


hall_sales = projection(
    "shop.hall_sales", model="shop.HallSales", mode="inline", query=HALL_FACTS, view=sales, key=hall_of
)
