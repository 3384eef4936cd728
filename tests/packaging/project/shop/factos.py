"""Where the app's event types, projections, reactors and handlers are found by themselves."""

from django.core.mail import send_mail

from factos_django import Delivery, Recorded
from factos_django.effects import reactor
from factos_django.projections import projection
from factos_django.tasks import effect_task

from .domain import HALL_FACTS, SALES, Fact, HallOpened, MailTicket, SeatSold, sales

__all__ = ["HallOpened", "SeatSold", "hall_sales", "mail_ticket", "ticket_mails"]


def hall_of(recorded: Recorded[Fact]) -> str:
    return recorded.event.hall


hall_sales = projection(
    "shop.hall_sales", model="shop.HallSales", mode="inline", query=HALL_FACTS, view=sales, key=hall_of
)


@reactor("shop.ticket_mails", query=SALES)
def ticket_mails(recorded: Recorded[SeatSold]) -> list[MailTicket]:
    return [MailTicket(recorded.event.hall, recorded.event.buyer)]


@effect_task(MailTicket)
def mail_ticket(effect: MailTicket, delivery: Delivery) -> None:
    send_mail(f"Your seat in {effect.hall}", delivery.key, None, [f"{effect.buyer}@example.org"])
