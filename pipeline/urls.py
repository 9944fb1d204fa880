"""Addresses of the pipeline's pages."""

from django.urls import URLPattern, path

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from pipeline import public
from pipeline.views import (
    board,
    bulk,
    deals,
    decisions,
    leads,
    my_day,
    pipelines,
    pools,
    products,
    resting,
    routing,
    talks,
    targets,
    tasks,
    versions,
    watch,
)

board_urls = [
    path("", my_day.day, name="my-day"),
    path("pipeline/", board.board, name="board"),
    path("pipeline/filter/", board.filter_form, name="board-filter"),
    path("pipeline/views/", board.save_view, name="board-view-save"),
    path("pipeline/views/<int:view_id>/delete/", board.drop_view, name="board-view-delete"),
    path("pipeline/lanes/<slug:stage>/", board.lane, name="board-lane"),
    path("pipeline/undo/<slug:deed>/<str:token>/", board.undo_deed, name="pipeline-undo"),
    path("pipeline/bulk/assign/", bulk.assign, name="bulk-assign"),
    path("pipeline/bulk/stage/", bulk.stage, name="bulk-stage"),
    path("pipeline/<public_id:lead_id>/move/", board.move, name="board-move"),
]
lead_urls = [
    path("leads/<public_id:lead_id>/call/", leads.log_call, name="lead-call"),
    path("leads/<public_id:lead_id>/email/", leads.send_email, name="lead-email"),
    path("leads/<public_id:lead_id>/tasks/", leads.add_task, name="lead-tasks"),
    path("leads/<public_id:lead_id>/deals/", leads.add_deal, name="lead-deals"),
    path("leads/<public_id:lead_id>/owner/", leads.change_owner, name="lead-owner"),
    path("leads/<public_id:lead_id>/accept/", leads.accept, name="lead-accept"),
    path("leads/<public_id:lead_id>/decline/", leads.decline, name="lead-decline"),
    path("leads/<public_id:lead_id>/snooze/", leads.snooze, name="lead-snooze"),
    path("leads/<public_id:lead_id>/done/", leads.finish, name="lead-done"),
    path("leads/<public_id:lead_id>/reopen/", leads.reopen, name="lead-reopen"),
    path("leads/<public_id:lead_id>/routing/", leads.routing_history, name="lead-routing"),
]
task_urls = [
    path("tasks/", tasks.task_list, name="task-list"),
    path("tasks/<int:task_id>/done/", tasks.complete, name="task-done"),
    path("tasks/<int:task_id>/reopen/", tasks.reopen, name="task-reopen"),
    path("tasks/<int:task_id>/snooze/", tasks.snooze, name="task-snooze"),
]
routing_urls = [
    path("routing/", routing.rules, name="routing"),
    path("routing/rules/new/", routing.rule_new, name="rule-new"),
    path("routing/rules/<slug:key>/", routing.rule_edit, name="rule"),
    path("routing/rules/<slug:key>/change/", routing.rule_change, name="rule-change"),
    path("routing/fallback/", routing.fallback, name="routing-fallback"),
    path("routing/publish/", routing.publish, name="routing-publish"),
    path("routing/discard/", routing.discard, name="routing-discard"),
    path("routing/log/", decisions.log, name="routing-log"),
    path("routing/decisions/<int:decision_id>/", decisions.decision, name="routing-decision"),
    path("routing/queue/", decisions.queue, name="routing-queue"),
    path("routing/queue/drain/", decisions.drain, name="routing-drain"),
    path("leads/<public_id:lead_id>/take/", decisions.take, name="lead-take"),
    path("routing/watch/", watch.watch, name="routing-watch"),
    path("routing/watch/<slug:kind>/", watch.settings, name="routing-watch-settings"),
    path("routing/targets/", targets.target_list, name="targets"),
    path("routing/targets/new/", targets.target_edit, name="target-new"),
    path("routing/targets/<int:target_id>/", targets.target_edit, name="target"),
    path("routing/targets/<int:target_id>/change/", targets.target_change, name="target-change"),
    path("routing/versions/", versions.version_list, name="routing-versions"),
    path("routing/versions/<int:number>/", versions.version, name="routing-version"),
    path("routing/versions/<int:number>/restore/", versions.restore, name="routing-restore"),
    path("routing/dry-run/", versions.dry_run, name="routing-dry-run"),
    path("routing/pools/new/", pools.pool_edit, name="pool-new"),
    path("routing/pools/<int:pool_id>/", pools.pool, name="pool"),
    path("routing/pools/<int:pool_id>/edit/", pools.pool_edit, name="pool-edit"),
    path("routing/pools/<int:pool_id>/delete/", pools.pool_delete, name="pool-delete"),
    path("routing/pools/<int:pool_id>/members/", pools.pool_member, name="pool-member"),
]
talk_urls = [
    path("leads/<public_id:lead_id>/meetings/", talks.book, name="lead-meetings"),
    path("leads/<public_id:lead_id>/files/", talks.add_file, name="lead-files"),
    path(
        "leads/<public_id:lead_id>/entries/<int:activity_id>/correct/",
        talks.correction,
        name="correction",
    ),
    path("meetings/<public_id:meeting_id>/", talks.meeting, name="meeting"),
    path("meetings/<public_id:meeting_id>/close/", talks.meeting_close, name="meeting-close"),
    path("meetings/<public_id:meeting_id>/invite.ics", talks.invitation, name="meeting-ics"),
    path("files/<public_id:file_id>/", talks.file, name="file"),
    path("files/<public_id:file_id>/remove/", talks.file_remove, name="file-remove"),
    path("m/o/<str:token>", public.opened, name="letter-open"),
    path("m/c/<str:token>", public.clicked, name="letter-click"),
]
deal_urls = [
    path("deals/", deals.deal_list, name="deals"),
    path("deals/<int:deal_id>/", deals.deal_page, name="deal"),
    path("deals/<int:deal_id>/lines/", deals.deal_lines, name="deal-lines"),
    path("deals/<int:deal_id>/delete/", deals.deal_delete, name="deal-delete"),
    path("settings/products/", products.product_list, name="products"),
    path("settings/products/new/", products.product_new, name="product-new"),
    path("settings/products/categories/", products.categories, name="product-categories"),
    path("settings/products/<public_id:product_id>/", products.product_edit, name="product"),
]
settings_urls = [
    path("settings/email-templates/", talks.template_list, name="letter-templates"),
    path("settings/email-templates/new/", talks.template_new, name="letter-template-new"),
    path(
        "settings/email-templates/<int:template_id>/", talks.template_edit, name="letter-template"
    ),
    path("settings/pipelines/", pipelines.pipeline_list, name="pipelines"),
    path("settings/pipelines/<slug:key>/", pipelines.pipeline_page, name="pipeline-settings"),
    path(
        "settings/pipelines/<slug:key>/change/", pipelines.pipeline_change, name="pipeline-change"
    ),
    path("settings/pipelines/<slug:key>/stages/new/", pipelines.stage_new, name="stage-new"),
    path(
        "settings/pipelines/<slug:key>/stages/<slug:stage>/",
        pipelines.stage_page,
        name="stage-settings",
    ),
    path(
        "settings/pipelines/<slug:key>/stages/<slug:stage>/change/",
        pipelines.stage_change,
        name="stage-change",
    ),
    path(
        "settings/pipelines/<slug:key>/stages/<slug:stage>/moves/",
        pipelines.auto_moves,
        name="stage-moves",
    ),
    path("settings/reasons/<slug:kind>/new/", pipelines.reason_new, name="reason-new"),
    path("settings/reasons/<slug:kind>/<int:reason_id>/", pipelines.reason_page, name="reason"),
]
verdict_urls = [
    path("leads/<public_id:lead_id>/verdict/", resting.verdict, name="lead-verdict"),
    path("leads/<public_id:lead_id>/bring-back/", resting.bring_back, name="lead-bring-back"),
]
urlpatterns: list[URLPattern] = [
    *verdict_urls,
    *board_urls,
    *lead_urls,
    *task_urls,
    *routing_urls,
    *settings_urls,
    *talk_urls,
    *deal_urls,
]
