"""Pages for strangers: hosted forms and what follows them. No cookie, and no script needed."""

from leads.public.confirming import confirm_again, confirm_page
from leads.public.counting import count_events
from leads.public.embedding import embed_script, theme_sheet
from leads.public.giving import asset_page
from leads.public.hosted import hosted_form
from leads.public.keeping import keep_answers

__all__ = [
    "asset_page",
    "confirm_again",
    "confirm_page",
    "count_events",
    "embed_script",
    "hosted_form",
    "keep_answers",
    "theme_sheet",
]
