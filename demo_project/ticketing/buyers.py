"""Buyers: what runs in each process of a sale. They go through ``dispatch``, as any request would."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from django.db import connections

from demo_project.ticketing.domain import BuyTicket, SoldOut, sale_context, ticket_sales
from demo_project.ticketing.sale import ACCEPTED, SOLD_OUT, Answer, Sale, meet
from factos_django.dispatch import dispatch, retrying

__all__ = ["answer_to", "buy", "serve"]


def serve(sale: Sale, buyers: list[str], barrier: Barrier, reports: Connection) -> None:
    """Buy for each of ``buyers`` in turn, on a connection of this process, and report each answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends us
    with suppress(Exception):  # each attempt will say what is wrong
        connections[sale.using].ensure_connection()
    meet(barrier)
    for buyer in buyers:
        reports.send(answer_to(sale, buyer))
    connections.close_all()


def answer_to(sale: Sale, buyer: str) -> Answer:
    """Buy one ticket, and tell how that went."""
    try:
        return Answer(ACCEPTED, retries=buy(sale, buyer))
    except SoldOut:
        return Answer(SOLD_OUT)
    except Exception as error:  # whatever it is, it is counted under its own name
        return Answer(type(error).__name__, detail=str(error))


def buy(sale: Sale, buyer: str) -> int:
    """Buy one ticket, and return how often that had to be tried again."""
    return _buy_and_hold(sale, buyer) if sale.hold_seconds else _buy(sale, buyer)


def _buy(sale: Sale, buyer: str) -> int:
    command = BuyTicket(sale.conference, buyer)
    sold = dispatch(command, decider=ticket_sales, query=sale_context, using=sale.using)
    return sold.attempts - 1


def _buy_and_hold(sale: Sale, buyer: str) -> int:
    runs = count()

    @retrying(using=sale.using)
    def transaction() -> int:
        earlier = next(runs)
        retries = earlier + _buy(sale, buyer)
        time.sleep(sale.hold_seconds)  # nobody should do this under a guard: here the buyers are to meet
        return retries

    return transaction()
