"""Our admins, subclassed and registered in another site, for the log of another database."""

from __future__ import annotations

from factos_django.models import Event
from tests.admin import second_site
from tests.admin.addresses import addresses, objects_of
from tests.admin.clients import superuser_client
from tests.admin.markup import PageText
from tests.admin.story import told
from tests.stores import on_databases


@on_databases("postgres", also=["default"])
def test_every_page_of_a_second_site_shows_its_own_database_and_leads_to_its_own_pages(store, settings):
    settings.ROOT_URLCONF = "tests.admin.second_site"
    root = superuser_client()
    with told(store.using) as story:
        assert not Event.objects.exists()
        seen = ""
        for name, path in addresses(second_site.site, objects_of(story), prefix="/backstage/"):
            answer = root.get(path)
            if name.endswith(("_add", "_delete")):
                assert answer.status_code == 403, path
                continue
            assert answer.status_code in (200, 302), path
            if answer["Content-Type"].startswith("text/html"):
                page = PageText(answer.content.decode())
                assert [link for link in page.links if link.startswith("/admin/")] == [], path
                seen += page.text
        assert "recorded in 20" in seen
        assert "550 5.1.1 renata" in seen
