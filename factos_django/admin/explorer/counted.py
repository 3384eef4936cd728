"""How many facts match, in words."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

__all__ = ["count_in_words"]


def count_in_words(count: int, *, is_more: bool) -> str:
    """Return that ``count`` facts match, or that there are more of them."""
    said = {"count": number_format(count, use_l10n=True, force_grouping=True)}
    if is_more:
        return gettext("%(count)s+ facts match.") % said
    return ngettext("%(count)s fact matches.", "%(count)s facts match.", count) % said
