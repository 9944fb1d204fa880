from django.urls import path

from scoring.surveys import builder, public, views
from scoring.views import frameworks

urlpatterns = [
    path("settings/qualification/", frameworks.framework_list, name="framework-list"),
    path("settings/qualification/new/", frameworks.framework_edit, name="framework-new"),
    path("settings/qualification/<slug:key>/", frameworks.framework_edit, name="framework"),
    path("settings/qualification/<slug:key>/use/", frameworks.framework_use, name="framework-use"),
    path(
        "settings/qualification/<slug:key>/delete/",
        frameworks.framework_delete,
        name="framework-delete",
    ),
    path("leads/<str:lead_id>/surveys/", views.lead_surveys, name="lead-surveys"),
    path("surveys/", views.survey_list, name="survey-list"),
    path("surveys/new/", views.survey_new, name="survey-new"),
    path("surveys/<slug:slug>/", views.survey_results, name="survey-results"),
    path("surveys/<slug:slug>/edit/", builder.survey_edit, name="survey-edit"),
    path("surveys/<slug:slug>/try/", builder.survey_preview, name="survey-try"),
    path("surveys/<slug:slug>/responses/", views.survey_responses, name="survey-responses"),
    path(
        "surveys/<slug:slug>/responses/<str:response_id>/",
        views.survey_response,
        name="survey-response",
    ),
    path("surveys/<slug:slug>/versions/", views.survey_versions, name="survey-versions"),
    path("surveys/<slug:slug>/settings/", views.survey_settings, name="survey-settings"),
    path("surveys/<slug:slug>/<slug:deed>/", views.survey_deed, name="survey-deed"),
    path("q/<str:token>/", public.survey_page, name="survey"),
]
