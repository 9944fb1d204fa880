from django.urls import path

from scoring.views import bant, lead, model

urlpatterns = [
    path("scoring/", model.scoring, name="scoring"),
    path("scoring/preview/", model.preview, name="scoring-preview"),
    path("scoring/thresholds/", model.thresholds, name="scoring-thresholds"),
    path("scoring/qualification/", model.qualification, name="scoring-qualification"),
    path("scoring/publish/", model.publish, name="scoring-publish"),
    path("scoring/discard/", model.discard, name="scoring-discard"),
    path("scoring/rules/new/", model.new_rule, name="scoring-rule-new"),
    path("scoring/rules/<uuid:uid>/", model.save_row, name="scoring-rule-row"),
    path("scoring/rules/<uuid:uid>/edit/", model.edit_rule, name="scoring-rule-edit"),
    path("scoring/rules/<uuid:uid>/delete/", model.delete_rule, name="scoring-rule-delete"),
    path("leads/<str:lead_id>/score/", lead.lead_score, name="lead-score"),
    path("leads/<str:lead_id>/bant/", bant.lead_bant, name="lead-bant"),
    path("leads/<str:lead_id>/bant/<int:answer_id>/undo/", bant.take_back, name="lead-bant-undo"),
]
