"""Addresses of the ground floor; each part adds its own list."""

from django.urls import URLPattern, path

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from leads import incoming, public
from leads.tracking import doors
from leads.views import channels as channel_views
from leads.views import (
    conditions,
    duplicates,
    exports,
    feedback,
    forms,
    imports,
    inbox,
    lists,
    mails,
    marketing,
    merging,
    record,
    search,
    segments,
    sources,
    spam,
    tracking,
)
from leads.views import fields as field_views

lead_urls = [
    path("leads/", lists.lead_list, name="lead-list"),
    path("leads/filter/", lists.filter_form, name="lead-filter"),
    path("leads/filter/conditions/", conditions.filter_by, name="lead-filter-conditions"),
    path("leads/columns/", lists.choose_columns, name="lead-columns"),
    path("leads/export/", exports.export, name="lead-export"),
    path("leads/export/columns/", exports.export_columns, name="lead-export-columns"),
    path("leads/views/counts/", lists.view_counts, name="lead-view-counts"),
    path("leads/views/new/", lists.save_view, name="lead-view-new"),
    path("leads/views/<int:view_id>/share/", lists.share_view, name="lead-view-share"),
    path("leads/views/<int:view_id>/delete/", lists.delete_view, name="lead-view-delete"),
    path("leads/bulk/assign/", lists.bulk_choice, {"what": "assign"}, name="lead-bulk-assign"),
    path("leads/bulk/stage/", lists.bulk_choice, {"what": "stage"}, name="lead-bulk-stage"),
    path("leads/bulk/tag/", lists.bulk_tag, name="lead-bulk-tag"),
    path("leads/bulk/list/", lists.bulk_list, name="lead-bulk-list"),
    path("leads/bulk/delete/", lists.bulk_delete, name="lead-bulk-delete"),
    path("leads/new/", record.lead_new, name="lead-new"),
    path("leads/<public_id:lead_id>/", record.lead_page, name="lead-page"),
    path("leads/<public_id:lead_id>/edit/", record.lead_edit, name="lead-edit"),
    path("leads/<public_id:lead_id>/fields/<slug:name>/", record.lead_field, name="lead-field"),
    path("leads/<public_id:lead_id>/timeline/", record.timeline, name="lead-timeline"),
    path("leads/<public_id:lead_id>/panels/", record.later_panels, name="lead-panels"),
    path("leads/<public_id:lead_id>/notes/", record.add_note, name="lead-notes"),
    path("leads/<public_id:lead_id>/tags/", record.tags, name="lead-tags"),
    path("leads/<public_id:lead_id>/delete/", record.lead_delete, name="lead-delete"),
    path("search/", search.search_page, name="search"),
    path("leads/undo/<str:token>/", lists.undo_delete, name="lead-undo"),
]
identity_urls = [
    path("leads/<public_id:lead_id>/merge/", merging.lead_merge, name="lead-merge"),
    path(
        "leads/<public_id:lead_id>/unmerge/<int:merge_id>/",
        merging.lead_unmerge,
        name="lead-unmerge",
    ),
    path(
        "leads/<public_id:lead_id>/proposals/<int:proposal_id>/<slug:deed>/",
        merging.decide_proposal,
        name="lead-proposal",
    ),
    path("duplicates/", duplicates.duplicate_list, name="duplicates"),
    path("duplicates/search/", duplicates.duplicate_search, name="duplicate-search"),
    path("duplicates/merge/", duplicates.duplicate_merge, name="duplicate-merge"),
    path("duplicates/undo/<uuid:batch>/", duplicates.duplicate_undo, name="duplicate-undo"),
    path(
        "duplicates/<int:pair_id>/dismiss/", duplicates.duplicate_dismiss, name="duplicate-dismiss"
    ),
    path("duplicates/<int:pair_id>/reopen/", duplicates.duplicate_reopen, name="duplicate-reopen"),
]
public_urls = [
    path("f/confirm/<str:token>/", public.confirm_page, name="form-confirm"),
    path("f/confirm/<str:token>/again/", public.confirm_again, name="form-confirm-again"),
    path("f/asset/<str:token>/", public.asset_page, name="form-asset"),
    path("f/<slug:slug>/", public.hosted_form, name="public-form"),
    path("f/<slug:slug>/count/", public.count_events, name="public-form-count"),
    path("f/<slug:slug>/keep/", public.keep_answers, name="public-form-keep"),
    path("f/<slug:slug>/theme.css", public.theme_sheet, name="public-form-theme"),
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
    path("settings/automatic-mail/", mails.mail_list, name="mail-list"),
    path("settings/automatic-mail/<int:mail_id>/", mails.mail_page, name="mail-page"),
    path("settings/spam/", spam.spam_settings, name="spam-settings"),
    path("settings/spam/rules/", spam.add_rule, name="spam-rule-new"),
    path("settings/spam/rules/<int:rule_id>/delete/", spam.delete_rule, name="spam-rule-delete"),
]
tracking_urls = [
    path("settings/tracking/", tracking.tracking_settings, name="tracking-settings"),
    path("settings/tracking/new/", tracking.site_new, name="tracked-site-new"),
    path("settings/tracking/<int:site_id>/", tracking.site_page, name="tracked-site"),
    path("settings/tracking/<int:site_id>/check/", tracking.site_check, name="tracked-site-check"),
    path(
        "settings/tracking/<int:site_id>/secret/", tracking.site_secret, name="tracked-site-secret"
    ),
    path("settings/tracking/<int:site_id>/stop/", tracking.site_stop, name="tracked-site-stop"),
    path("leads/<public_id:lead_id>/tracking/", tracking.lead_tracking, name="lead-tracking"),
    path(
        "leads/<public_id:lead_id>/browsers/<int:link_id>/cut/",
        tracking.browser_cut,
        name="browser-cut",
    ),
    path(
        "leads/<public_id:lead_id>/browsers/<int:link_id>/confirm/",
        tracking.browser_confirm,
        name="browser-confirm",
    ),
]
form_urls = [
    path("forms/", forms.form_list, name="form-list"),
    path("forms/new/", forms.form_new, name="form-new"),
    path("forms/assets/", forms.asset_list, name="asset-list"),
    path("forms/assets/new/", forms.asset_new, name="asset-new"),
    path("forms/assets/<int:asset_id>/", forms.asset_edit, name="asset-edit"),
    path("forms/assets/<int:asset_id>/archive/", forms.asset_archive, name="asset-archive"),
    path("forms/consent/", forms.consent_list, name="consent-list"),
    path("forms/<slug:slug>/", forms.form_page, name="form-page"),
    path("forms/<slug:slug>/edit/", forms.form_edit, name="form-edit"),
    path("forms/<slug:slug>/undo/", forms.form_undo, name="form-undo"),
    path("forms/<slug:slug>/discard/", forms.form_discard, name="form-discard"),
    path("forms/<slug:slug>/preview.css", forms.preview_sheet, name="form-preview-sheet"),
    path("forms/<slug:slug>/embed/", forms.form_embed, name="form-embed"),
    path("forms/<slug:slug>/versions/", forms.form_versions, name="form-versions"),
    path("forms/<slug:slug>/answers/", forms.form_answers, name="form-answers"),
    path("forms/<slug:slug>/unfinished/", forms.unfinished_list, name="form-unfinished"),
    path(
        "forms/<slug:slug>/unfinished/<int:row_id>/",
        forms.unfinished_do,
        name="form-unfinished-do",
    ),
    path("forms/<slug:slug>/settings/", forms.form_settings, name="form-settings"),
    path("forms/<slug:slug>/publish/", forms.form_publish, name="form-publish"),
    path("forms/<slug:slug>/unpublish/", forms.form_unpublish, name="form-unpublish"),
    path("forms/<slug:slug>/copy/", forms.form_copy, name="form-copy"),
    path("forms/<slug:slug>/archive/", forms.form_archive, name="form-archive"),
    path("forms/<slug:slug>/delete/", forms.form_delete, name="form-delete"),
]
marketing_urls = [
    path("marketing/", marketing.campaign_list, name="marketing"),
    path("marketing/<int:campaign_id>/", marketing.campaign_page, name="marketing-campaign"),
    path(
        "marketing/<int:campaign_id>/change/",
        marketing.campaign_change,
        name="marketing-campaign-change",
    ),
    path("marketing/spend/", marketing.spend_list, name="spend"),
    path("marketing/spend/file/", marketing.spend_file, name="spend-file"),
    path("marketing/spend/<int:entry_id>/", marketing.spend_edit, name="spend-entry"),
    path("marketing/spend/<int:entry_id>/delete/", marketing.spend_delete, name="spend-delete"),
    path("marketing/conversions/", feedback.conversions, name="conversions"),
    path("marketing/conversions/file/", feedback.conversions_file, name="conversions-file"),
    path("marketing/rates/", marketing.rates, name="rates"),
    path("marketing/rates/<int:rate_id>/delete/", marketing.rate_delete, name="rate-delete"),
]
channel_urls = [
    path("settings/channels/", channel_views.channel_page, name="channels"),
    path("settings/channels/list/", channel_views.channel_list, name="channel-list"),
    path("settings/channels/list/<slug:key>/", channel_views.channel_change, name="channel-change"),
    path("settings/channels/rules/", channel_views.rules_change, name="channel-rules-change"),
    path("settings/channels/rules/new/", channel_views.rule_edit, name="channel-rule-new"),
    path("settings/channels/rules/<slug:key>/", channel_views.rule_edit, name="channel-rule"),
    path(
        "settings/channels/rules/<slug:key>/move/",
        channel_views.rule_move,
        name="channel-rule-move",
    ),
    path(
        "settings/channels/rules/<slug:key>/delete/",
        channel_views.rule_delete,
        name="channel-rule-delete",
    ),
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
import_urls = [
    path("exports/", exports.export_list, name="export-list"),
    path("exports/<public_id:job_id>/", exports.export_file, name="export-file"),
    path("import/", imports.import_list, name="import-list"),
    path("import/new/", imports.import_new, name="import-new"),
    path("import/<public_id:job_id>/", imports.import_page, name="import"),
    path("import/<public_id:job_id>/columns/", imports.import_columns, name="import-columns"),
    path("import/<public_id:job_id>/reading/", imports.import_reading, name="import-reading"),
    path("import/<public_id:job_id>/rows/", imports.import_rows, name="import-rows"),
    path("import/<public_id:job_id>/set-aside/", imports.import_problems, name="import-problems"),
    path("import/<public_id:job_id>/<slug:deed>/", imports.import_do, name="import-do"),
]
source_urls = [
    path("sources/", sources.source_list, name="source-list"),
    path("sources/new/", sources.source_new, name="source-new"),
    path("sources/<slug:key>/", sources.source_page, name="source-page"),
    path("sources/<slug:key>/edit/", sources.source_edit, name="source-edit"),
    path("sources/<slug:key>/fields/", sources.source_fields, name="source-fields"),
    path("sources/<slug:key>/address/", sources.source_address, name="source-address"),
    path("sources/<slug:key>/secret/<slug:use>/", sources.source_secret, name="source-secret"),
    path("sources/<slug:key>/switch/", sources.source_switch, name="source-switch"),
    path("sources/<slug:key>/archive/", sources.source_archive, name="source-archive"),
    path("sources/<slug:key>/delete/", sources.source_delete, name="source-delete"),
    path("sources/<slug:key>/retry/", sources.source_retry, name="source-retry"),
    path("sources/<slug:key>/feedback/", feedback.source_feedback, name="source-feedback"),
    path(
        "sources/<slug:key>/feedback/retry/",
        feedback.source_feedback_retry,
        name="source-feedback-retry",
    ),
]
segment_urls = [
    path("conditions/builder/", conditions.builder, name="condition-builder"),
    path("conditions/count/", conditions.count, name="condition-count"),
    path("segments/", segments.segment_list, name="segment-list"),
    path("segments/new/", segments.segment_new, name="segment-new"),
    path("segments/preview/", segments.preview, name="segment-preview"),
    path("segments/<public_id:segment_id>/", segments.segment_page, name="segment-page"),
    path("segments/<public_id:segment_id>/members/", segments.members, name="segment-members"),
    path("segments/<public_id:segment_id>/remove/", segments.remove, name="segment-remove"),
    path("segments/<public_id:segment_id>/why/", segments.why, name="segment-why"),
    path("segments/<public_id:segment_id>/archive/", segments.archive, name="segment-archive"),
    path(
        "segments/<public_id:segment_id>/duplicate/", segments.duplicate, name="segment-duplicate"
    ),
]
urlpatterns: list[URLPattern] = [
    *segment_urls,
    *source_urls,
    *import_urls,
    *field_urls,
    *channel_urls,
    *marketing_urls,
    *lead_urls,
    *public_urls,
    *inbox_urls,
    *form_urls,
    *tracking_urls,
]
urlpatterns += identity_urls
