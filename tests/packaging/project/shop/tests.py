"""The shop's tests as `manage.py test` runs them; nothing here knows about triggers and flushes."""

from urllib.request import urlopen

from django.contrib.auth.models import User
from django.core import mail
from django.db import connection, transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase

from factos_django.models import Event, Tag
from factos_django.testing import deliver_effects, given, pending_effects, run_projections

from .domain import HallOpened, MailTicket, SeatSold
from .factos import ticket_mails
from .sale import THREADS, append_held_open, buy, buy_with_account, log_of, open_hall, rush, seats_sold


class SaleInTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        open_hall("attic", 1)

    def test_a_seat_is_sold_once(self) -> None:
        assert [buy("attic", "renata"), buy("attic", "ada")] == [True, False]
        assert seats_sold("attic") == 1

    def test_the_next_test_finds_the_seat_free(self) -> None:
        assert buy("attic", "ada")

    def test_the_client_buys(self) -> None:
        assert self.client.get("/sell/attic/ada/").content == b"sold"

    def test_a_ticket_is_mailed_once(self) -> None:
        assert buy("attic", "ada")
        assert pending_effects() == [MailTicket("attic", "ada")]
        assert mail.outbox == []
        (delivery,) = deliver_effects(MailTicket)
        assert [(each.to, each.body) for each in mail.outbox] == [(["ada@example.org"], delivery.key)]
        assert (pending_effects(), deliver_effects()) == ([], [])

    def test_the_reactor_asks_for_a_mail(self) -> None:
        given(SeatSold("attic", "ada")).react(ticket_mails).then(MailTicket("attic", "ada"))

    def test_there_is_nothing_to_catch_up_with(self) -> None:
        assert run_projections() == ()


class FirstTransactionTest(TransactionTestCase):
    def test_a_seat_is_sold_and_committed(self) -> None:
        open_hall("attic", 1)
        assert buy("attic", "renata")
        assert not connection.in_atomic_block
        assert seats_sold("attic") == 1

    def test_a_seat_that_is_rolled_back_is_not_sold(self) -> None:
        open_hall("attic", 1)
        with transaction.atomic():
            User.objects.create(username="renata")
            assert buy("attic", "renata")
            transaction.set_rollback(True)
        assert (seats_sold("attic"), User.objects.count()) == (0, 0)


class SecondTransactionTest(TransactionTestCase):
    def test_the_log_is_empty_after_the_flush(self) -> None:
        assert (Event.objects.count(), Tag.objects.count()) == (0, 0)

    def test_threads_do_not_oversell(self) -> None:
        open_hall("attic", 7)
        answers = rush("attic", attempts=5)
        assert answers == {True: 7, False: 5 * THREADS - 7}
        assert seats_sold("attic") == 7

    def test_threads_do_not_oversell_again(self) -> None:
        open_hall("attic", 3)
        assert rush("attic", attempts=2)[True] == 3
        assert seats_sold("attic") == 3

    def test_threads_read_while_others_append(self) -> None:
        open_hall("attic", 3)
        assert rush("attic", attempts=5, reading=True)[True] == 3

    def test_who_reads_while_an_append_is_open_is_not_refused(self) -> None:
        open_hall("attic", 3)
        with append_held_open("attic", "ada", seconds=0.3):
            assert len(log_of("attic")) in {1, 2}  # in memory SQLite has readers wait for the commit
        assert len(log_of("attic")) == 2

    def test_threads_that_write_rows_of_their_own_write_them_with_the_facts(self) -> None:
        open_hall("attic", 3)
        assert rush("attic", attempts=2, buying=buy_with_account)[True] == 3
        assert User.objects.count() == seats_sold("attic") == 3


class SaleOverHttp(LiveServerTestCase):
    def get(self, path: str) -> bytes:
        with urlopen(f"{self.live_server_url}{path}", timeout=10) as response:
            return bytes(response.read())

    def test_a_page_sells_until_the_hall_is_full(self) -> None:
        open_hall("attic", 1)
        answers = [self.get(f"/sell/attic/{buyer}/") for buyer in ("renata", "ada")]
        assert answers == [b"sold", b"full"]
        assert seats_sold("attic") == 1

    def test_the_next_test_sells_again(self) -> None:
        open_hall("attic", 1)
        assert self.get("/sell/attic/ada/") == b"sold"


class FactOfAMigration(TransactionTestCase):
    """The opera was opened by a migration; a flush took the fact away, and it is put back."""

    serialized_rollback = True

    def test_it_is_there(self) -> None:
        assert [each.event for each in log_of("opera")] == [HallOpened("opera", 2)]
        assert [buy("opera", name) for name in ("renata", "ada", "ida")] == [True, True, False]
        opening, *sold = log_of("opera")
        assert len(sold) == 2
        assert opening.position < sold[0].position

    def test_it_is_there_again(self) -> None:
        assert [each.event for each in log_of("opera")] == [HallOpened("opera", 2)]
        assert Tag.objects.filter(value="hall:opera").count() == 1
        assert buy("opera", "ada")
