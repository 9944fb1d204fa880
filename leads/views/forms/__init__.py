"""Pages about forms: the list, the builder, and one form with everything of it."""

from leads.views.forms.assets import asset_archive, asset_edit, asset_list, asset_new
from leads.views.forms.builder import form_discard, form_edit, form_undo, preview_sheet
from leads.views.forms.pages import (
    consent_list,
    form_answers,
    form_archive,
    form_copy,
    form_delete,
    form_embed,
    form_list,
    form_new,
    form_page,
    form_publish,
    form_settings,
    form_unpublish,
    form_versions,
)
from leads.views.forms.unfinished import unfinished_do, unfinished_list

__all__ = [
    "asset_archive",
    "asset_edit",
    "asset_list",
    "asset_new",
    "consent_list",
    "form_answers",
    "form_archive",
    "form_copy",
    "form_delete",
    "form_discard",
    "form_edit",
    "form_embed",
    "form_list",
    "form_new",
    "form_page",
    "form_publish",
    "form_settings",
    "form_undo",
    "form_unpublish",
    "form_versions",
    "preview_sheet",
    "unfinished_do",
    "unfinished_list",
]
