"""Chromium, which walks through pages for a test and looks at every one that it comes to.

Playwright runs a loop, and where a loop runs Django refuses the ORM. So the browser is driven in a thread of
its own: what a test holds of Playwright's is a ``There``, and each call of it is made over there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from demo_project.settings import BASE_DIR
from tests.settings import CHROMIUM, LEFT_OUT
from tests.stores import STORES, flushed

__all__ = ["Browser", "There", "Visit", "browser", "in_browser"]

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: No call takes longer (seconds); Playwright gives up before.
PATIENCE = 60
#: Playwright waits so long for what is to appear (milliseconds).
WAITS = 30_000

#: Tells the console what was done against the policy of the page.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  const where = `${event.sourceFile}:${event.lineNumber} ${event.target.outerHTML ?? ""}`.slice(0, 300);
  console.error(`against the policy: ${event.violatedDirective} ${event.blockedURI} ${where}`);
});
"""

#: What axe calls serious keeps somebody from a page, or nearly so.
GRAVE = ("serious", "critical")
AXE = Axe().axe_script
#: Left out is what is Django's own: breadcrumbs whose links are told by their colour alone (before 6.1).
RUN_AXE = """async (rules) => {
  const ours = {exclude: [[".breadcrumbs"]]};
  const asked = rules.length ? {runOnly: {type: "rule", values: rules}} : {};
  const found = await axe.run(ours, {resultTypes: ["violations"], preload: false, ...asked});
  return found.violations.map((each) => [each.impact, each.id, each.nodes.map((node) => node.html)]);
}"""

IMAGES = BASE_DIR / "docs" / "images"


def in_browser(*aliases: str) -> Any:
    """Parametrise a test by ``store``, over one store of each of these databases that answered.

    By default SQLite, where everything is below the head, and PostgreSQL, where an open append holds it.
    """
    first = {store.using: store for store in reversed(STORES)}
    chosen = [first[alias] for alias in (aliases or ("default", "postgres")) if alias in first]
    cases = [pytest.param(store, id=store.id, marks=[flushed(store.using, "default")]) for store in chosen]
    return pytest.mark.parametrize("store", cases, indirect=True)


class There:
    """Something of Playwright's, whose calls are made where the browser is driven."""

    def __init__(self, thing: Any, run: Callable[[Callable[[], Any]], Any]) -> None:
        self._thing, self._run = thing, run

    def __getattr__(self, name: str) -> Any:
        return self._run(lambda: getattr(self._thing, name))

    def __call__(self, *given: Any, **named: Any) -> Any:
        bare = [_bare(each) for each in given]
        return self._run(lambda: self._thing(*bare, **{name: _bare(each) for name, each in named.items()}))


def _bare(value: Any) -> Any:
    return value._thing if isinstance(value, There) else value


class Browser:
    """Chromium and the thread that drives it."""

    def __init__(self) -> None:
        #: What axe has looked at: paths, each in the ways in which they were visited.
        self.looked_at: set[tuple[str, str]] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="browser")
        self._playwright = self.do(lambda: sync_playwright().start())
        self._chromium = self.do(
            lambda: self._playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        )

    def do(self, work: Callable[[], Any]) -> Any:
        """Return what ``work`` returns, called where Playwright may be."""
        return self._thread.submit(work).result(PATIENCE)

    def close(self) -> None:
        """End it."""
        self.do(self._chromium.close)
        self.do(self._playwright.stop)
        self._thread.shutdown()

    @contextmanager
    def visit(self, address: str, client: Client | None = None, **options: Any) -> Iterator[Visit]:
        """Walk through the server at ``address`` in the block, logged in as ``client`` is.

        Args:
            address: ``http://localhost:8081``.
            client: Whose session it is; None: nobody's.
            options: Of Playwright's context: ``color_scheme``, ``viewport``, ``java_script_enabled``.
        """
        usual: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        context = self.do(lambda: self._chromium.new_context(base_url=address, **{**usual, **options}))
        try:
            if client is not None:
                cookie = {
                    "name": "sessionid",
                    "value": client.cookies["sessionid"].value,
                    "url": address,
                }
                self.do(lambda: context.add_cookies([cookie]))
            visit = self.do(lambda: Visit(context, self, options))
            yield visit
            visit.say_problems()
        finally:
            self.do(context.close)


class Visit:
    """One walk. Whatever is wrong with a page that it came to is among ``problems``.

    Attributes:
        page: Playwright's page.
        context: Its context.
        problems: In sentences.
        dialogs: What pages asked, or told, by a dialog.
        has_axe: Whether axe looks at pages, which takes most of the time.
        rules: Those of axe's that it goes by; none: all.
    """

    def __init__(self, context: Any, browser: Browser, options: dict[str, Any]) -> None:
        self._browser = browser
        self.has_axe = options.get("java_script_enabled", True)
        self._how = repr(sorted(options.items()))
        self._page = context.new_page()
        self._loaded = self._looked_at = 0
        self.rules: list[str] = []
        self.problems: list[str] = []
        self.dialogs: list[str] = []
        self.page: Any = There(self._page, self._run)
        self.context: Any = There(context, self._run)
        context.set_default_timeout(WAITS)
        expect.set_options(timeout=WAITS)
        context.add_init_script(TELL_VIOLATIONS)
        self._listen()

    def open(self, path: str) -> None:
        """Go to a path."""
        self.page.goto(path)

    def expect(self, what: Any) -> Any:
        """Return Playwright's assertions about ``what``: they wait until it is so."""
        return There(expect, self._run)(what)

    def picture(self, name: str, *, if_on: str, using: str, full: bool = False) -> None:
        """Write what is seen to ``docs/images`` where pictures are wanted, and ``using`` is ``if_on``."""
        if os.environ.get("FACTOS_SCREENSHOTS") == "1" and using == if_on:
            IMAGES.mkdir(exist_ok=True)
            self.page.mouse.move(0, 0)
            self.page.screenshot(path=str(IMAGES / f"{name}.png"), full_page=full)

    def look(self) -> None:
        """Let axe look at what the page has become."""
        self._browser.do(self._let_axe_look)

    def say_problems(self) -> None:
        """Fail if something was wrong."""
        with suppress(Exception):  # the page may be on its way elsewhere
            self.page.evaluate("null")  # so that what is on its way has come
        assert not self.problems, "\n".join(self.problems)

    def _run(self, work: Callable[[], Any]) -> Any:
        def done() -> Any:
            self._look_if_new()
            result = work()
            if not callable(result):
                self._look_if_new()
            return result

        return self._wrapped(self._browser.do(done))

    def _wrapped(self, result: Any) -> Any:
        if isinstance(result, list):
            return [self._wrapped(each) for each in result]
        is_playwrights = type(result).__module__.startswith("playwright.")
        return There(result, self._run) if is_playwrights or callable(result) else result

    def _listen(self) -> None:
        page, tell = self._page, self.problems.append
        page.on("load", self._count_load)
        page.on("pageerror", lambda error: tell(f"{page.url}: {error}"))
        page.on("console", self._tell_error)
        page.on("requestfailed", self._tell_failed)
        page.on("dialog", self._dismiss)

    def _count_load(self, _: Any) -> None:
        self._loaded += 1

    def _tell_error(self, said: Any) -> None:
        """An answer of 400 or above is told there, too."""
        if said.type == "error" and not said.location["url"].endswith("/favicon.ico"):
            self.problems.append(f"{self._page.url}: {said.text} ({said.location['url']})")

    def _tell_failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before it came
            self.problems.append(f"{request.url}: {request.failure}")

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _look_if_new(self) -> None:
        if self._page.url != "about:blank":
            self._page.wait_for_load_state()
        if self._looked_at < self._loaded:
            self._looked_at = self._loaded
            seen = (urlsplit(self._page.url).path, self._how)
            if self.has_axe and seen not in self._browser.looked_at:
                self._browser.looked_at.add(seen)
                self._let_axe_look()

    def _let_axe_look(self) -> None:
        self._page.evaluate(AXE)  # not by an element: the policy would refuse it
        for impact, rule, elements in self._page.evaluate(RUN_AXE, self.rules):
            if impact in GRAVE:
                self.problems.append(f"{self._page.url}: {impact}: {rule}: {' '.join(elements[:3])}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. No test of another module has it: threads and a process of its own belong to it."""
    if "chromium" in LEFT_OUT:
        pytest.skip(f"Chromium is left out: {LEFT_OUT['chromium']}")
    chromium = Browser()
    yield chromium
    chromium.close()
