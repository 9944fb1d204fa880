from django.urls import path

from scoring.surveys import urls as surveys
from scoring.views import adjusting, bant, lead, model, models, publishing, studies

urlpatterns = [
    path("scoring/", model.scoring, name="scoring"),
    path("scoring/preview/", model.preview, name="scoring-preview"),
    path("scoring/simulation/", studies.simulation, name="scoring-simulation"),
    path("scoring/backtest/", studies.backtest, name="scoring-backtest"),
    path("scoring/prediction/", studies.prediction, name="scoring-prediction"),
    path("scoring/prediction/stop/", studies.stop_prediction, name="scoring-prediction-stop"),
    path("scoring/thresholds/", model.thresholds, name="scoring-thresholds"),
    path("scoring/qualification/", model.qualification, name="scoring-qualification"),
    path("scoring/publish/", publishing.publish, name="scoring-publish"),
    path("scoring/discard/", publishing.discard, name="scoring-discard"),
    path("scoring/progress/", publishing.progress, name="scoring-progress"),
    path("scoring/versions/", publishing.versions, name="scoring-versions"),
    path("scoring/versions/<int:number>/", publishing.version, name="scoring-version"),
    path("scoring/versions/<int:number>/restore/", publishing.roll_back, name="scoring-restore"),
    path("scoring/models/", models.models, name="scoring-models"),
    path("scoring/models/new/", models.new_model, name="scoring-model-new"),
    path("scoring/models/<slug:key>/archive/", models.archive, name="scoring-model-archive"),
    path("scoring/rules/new/", model.new_rule, name="scoring-rule-new"),
    path("scoring/rules/<uuid:uid>/", model.save_row, name="scoring-rule-row"),
    path("scoring/rules/<uuid:uid>/edit/", model.edit_rule, name="scoring-rule-edit"),
    path("scoring/rules/<uuid:uid>/delete/", model.delete_rule, name="scoring-rule-delete"),
    path("leads/<str:lead_id>/score/", lead.lead_score, name="lead-score"),
    path("leads/<str:lead_id>/score/prospects/", lead.lead_prospects, name="lead-prospects"),
    path("leads/<str:lead_id>/adjustments/", adjusting.adjustments, name="lead-adjustments"),
    path(
        "leads/<str:lead_id>/adjustments/<int:adjustment_id>/revoke/",
        adjusting.revoke,
        name="lead-adjustment-revoke",
    ),
    path("leads/<str:lead_id>/bant/", bant.lead_bant, name="lead-bant"),
    path("leads/<str:lead_id>/bant/<int:answer_id>/undo/", bant.take_back, name="lead-bant-undo"),
    *surveys.urlpatterns,
]
