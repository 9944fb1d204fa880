"""Addresses of the ground floor; each part adds its own list."""

from django.urls import URLPattern, path

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from leads import incoming, public
from leads.tracking import doors
from leads.views import fields as field_views
from leads.views import forms, inbox, lists, record, search, spam

lead_urls = [
    path("leads/", lists.lead_list, name="lead-list"),
    path("leads/filter/", lists.filter_form, name="lead-filter"),
    path("leads/export/", lists.export, name="lead-export"),
    path("leads/views/counts/", lists.view_counts, name="lead-view-counts"),
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
    path("search/", search.search_page, name="search"),
    path("leads/undo/<str:token>/", lists.undo_delete, name="lead-undo"),
]
public_urls = [
    path("f/<slug:slug>/", public.hosted_form, name="public-form"),
    path("f/<slug:slug>/frame/", public.hosted_form, {"embedded": True}, name="public-form-frame"),
    path("f/<slug:slug>/embed.js", public.embed_script, name="public-form-embed"),
    path("t.js", doors.script, name="tracking-script"),
    path("t/", doors.collect, name="tracking"),
    path("in/<slug:key>/", incoming.incoming, name="incoming"),
    path("in/<slug:provider>/<slug:key>/", incoming.incoming, name="incoming-provider"),
]
inbox_urls = [
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/bulk/", inbox.bulk, name="inbox-bulk"),
    path("inbox/deeds/<int:deed_id>/undo/", inbox.undo_bulk, name="inbox-deed-undo"),
    path("inbox/reconciliation/", inbox.reconciliation, name="inbox-reconciliation"),
    path("inbox/reconciliation/count/", inbox.count_again, name="inbox-count"),
    path("inbox/<uuid:receipt_id>/", inbox.inbox_item, name="inbox-item"),
    path("inbox/<uuid:receipt_id>/release/", inbox.inbox_release, name="inbox-release"),
    path("inbox/<uuid:receipt_id>/process/", inbox.inbox_process, name="inbox-process"),
    path("inbox/<uuid:receipt_id>/reject/", inbox.inbox_reject, name="inbox-reject"),
    path("inbox/<uuid:receipt_id>/restore/", inbox.inbox_restore, name="inbox-restore"),
    path("inbox/<uuid:receipt_id>/correct/", inbox.inbox_correct, name="inbox-correct"),
    path("inbox/<uuid:receipt_id>/body/", inbox.inbox_body, name="inbox-body"),
    path("settings/spam/", spam.spam_settings, name="spam-settings"),
    path("settings/spam/rules/", spam.add_rule, name="spam-rule-new"),
    path("settings/spam/rules/<int:rule_id>/delete/", spam.delete_rule, name="spam-rule-delete"),
]
form_urls = [
    path("forms/", forms.form_list, name="form-list"),
    path("forms/new/", forms.form_new, name="form-new"),
    path("forms/<slug:slug>/", forms.form_page, name="form-page"),
    path("forms/<slug:slug>/edit/", forms.form_edit, name="form-edit"),
    path("forms/<slug:slug>/unpublish/", forms.form_unpublish, name="form-unpublish"),
]
field_urls = [
    path("settings/fields/", field_views.field_list, name="custom-fields"),
    path("settings/fields/new/", field_views.field_new, name="custom-field-new"),
    path("settings/fields/<slug:key>/", field_views.field_edit, name="custom-field"),
    path("settings/fields/<slug:key>/move/", field_views.field_move, name="custom-field-move"),
    path(
        "settings/fields/<slug:key>/archive/",
        field_views.field_archive,
        name="custom-field-archive",
    ),
    path(
        "settings/fields/<slug:key>/delete/", field_views.field_delete, name="custom-field-delete"
    ),
]
urlpatterns: list[URLPattern] = [*field_urls, *lead_urls, *public_urls, *inbox_urls, *form_urls]
