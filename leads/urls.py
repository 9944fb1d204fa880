"""Addresses of the ground floor; each part adds its own list."""

from django.urls import URLPattern, path

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from leads import public
from leads.views import lists, record

lead_urls = [
    path("leads/", lists.lead_list, name="lead-list"),
    path("leads/filter/", lists.filter_form, name="lead-filter"),
    path("leads/export/", lists.export, name="lead-export"),
    path("leads/views/new/", lists.save_view, name="lead-view-new"),
    path("leads/views/<int:view_id>/share/", lists.share_view, name="lead-view-share"),
    path("leads/views/<int:view_id>/delete/", lists.delete_view, name="lead-view-delete"),
    path("leads/bulk/assign/", lists.bulk_choice, {"what": "assign"}, name="lead-bulk-assign"),
    path("leads/bulk/stage/", lists.bulk_choice, {"what": "stage"}, name="lead-bulk-stage"),
    path("leads/bulk/tag/", lists.bulk_tag, name="lead-bulk-tag"),
    path("leads/bulk/delete/", lists.bulk_delete, name="lead-bulk-delete"),
    path("leads/new/", record.lead_new, name="lead-new"),
    path("leads/<public_id:lead_id>/", record.lead_page, name="lead-page"),
    path("leads/<public_id:lead_id>/edit/", record.lead_edit, name="lead-edit"),
    path("leads/<public_id:lead_id>/fields/<slug:name>/", record.lead_field, name="lead-field"),
    path("leads/<public_id:lead_id>/timeline/", record.timeline, name="lead-timeline"),
    path("leads/<public_id:lead_id>/notes/", record.add_note, name="lead-notes"),
    path("leads/<public_id:lead_id>/tags/", record.tags, name="lead-tags"),
    path("leads/<public_id:lead_id>/delete/", record.lead_delete, name="lead-delete"),
    path("leads/undo/<str:token>/", lists.undo_delete, name="lead-undo"),
]
urlpatterns: list[URLPattern] = [*lead_urls, *public.urlpatterns]
