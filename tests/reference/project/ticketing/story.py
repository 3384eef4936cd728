"""What happens beside the commands of the page."""

import logging

from django.core.management import call_command
from django.db import connection

from factos_django.effects.delivering import deliver
from factos_django.models import Effect
from factos_django.store import append

from .domain import ConferenceOpened, TicketSold
from .factos import announce_ticket_sale
from .models import ConferenceSales


def begin() -> None:
    """A conference opens, two tickets are sold, and the first one cannot be announced."""
    logging.disable()
    call_command("migrate", run_syncdb=True, verbosity=0)
    append([ConferenceOpened("gleamconf-2026", 2)])
    append([TicketSold("gleamconf-2026", "renata")])
    append([TicketSold("gleamconf-2026", "ada")])
    deliver(Effect.objects.get(position=2).pk, announce_ticket_sale, "default")


def edit_a_row() -> None:
    """Somebody edits a row of a projection by hand."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {ConferenceSales._meta.db_table} SET sold = 3")


def stop_a_projection() -> None:
    """A ticket is sold to nobody, whom a projection cannot fold."""
    append([TicketSold("gleamconf-2026", "nobody")])
