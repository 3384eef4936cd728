"""The ETag of a context is that of its query and its last position."""

from factos_django import Query, QueryItem
from factos_django.rest_framework.context_etag import etag_of

RED = QueryItem(types=["Noted"], tags=["a", "b"])
BLUE = QueryItem(tags=["c"])


def test_it_is_a_strong_one_of_the_same_query_however_it_is_written() -> None:
    etag = etag_of(Query.of(RED, BLUE), 7)
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert etag == etag_of(Query.of(BLUE, QueryItem(types=["Noted"], tags=["b", "a"])), 7)


def test_it_changes_with_the_position_and_the_query() -> None:
    etags = {etag_of(Query.of(RED), 7), etag_of(Query.of(RED), 8), etag_of(Query.of(BLUE), 7)}
    assert len({*etags, etag_of(Query.all(), 7)}) == 4
