"""Markup that somebody wrote into facts, and finding out whether a page took it for its own."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["MARK", "PAYLOADS", "PageText"]

#: Stands in each payload, and nowhere else.
MARK = "xq55"

PAYLOADS = [
    f"<script>alert('{MARK}')</script>",
    f"</pre></script></style></textarea></title><b id={MARK}>bold</b>",
    f"\"><img src={MARK} onerror=alert('{MARK}')>",
    f"' autofocus onfocus=alert('{MARK}') x='",
    f"javascript:alert('{MARK}')",
    f"{{{{ 7|add:'7{MARK}' }}}}{{% now 'Y' %}}",
]

#: Where an address in an attribute is one that a click, or nothing, follows.
FOLLOWED = {"href", "src", "action", "formaction", "srcset", "data", "poster", "xlink:href"}


class PageText(HTMLParser):
    """The text of a page, and what is wrong with its markup.

    Attributes:
        wrong: Elements and attributes that were made from a payload, in words.
        fields: The names of its form fields.
        links: Where its links lead.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._said: list[str] = []
        self._inside = ""
        self.wrong: list[str] = []
        self.fields: set[str] = set()
        self.links: set[str] = set()
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """What a reader sees, and what stands in form fields and titles."""
        return "".join(self._said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        given = dict(attrs)
        if tag in ("input", "select", "textarea") and (field := given.get("name")):
            self.fields.add(field)
        if tag in ("a", "form") and (link := given.get("href") or given.get("action")):
            self.links.add(link)
        for name, value in attrs:
            said = value or ""
            self._said.append(f" {said} ")
            is_address = name in FOLLOWED and said.strip().lower().startswith(("javascript:", "data:"))
            is_ours = (name == "id" and said == MARK) or (name == "src" and said == MARK)
            if name.startswith("on") or name == "style" or MARK in name or is_address or is_ours:
                self.wrong.append(f"<{tag} {name}={said!r}>")

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and MARK in data:
            self.wrong.append(f"<{self._inside}>{data}")
        self._said.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.wrong.append(f"<!--{data}-->")
