"""What people do in the admin, walked through by a browser; see tests.admin.story for the log."""

from __future__ import annotations

from tests.admin.browser import in_browser

pytestmark = in_browser()


def test_every_list_of_the_log_is_one_click_away_and_nothing_is_wrong_with_it(visit, story):
    for name in ("Events", "Tags", "Projections", "Effects"):
        visit.open("/admin/factos/")
        visit.page.get_by_role("main").get_by_role("link", name=name, exact=True).click()
        visit.expect(visit.page.get_by_role("main").get_by_role("table")).to_be_visible()
