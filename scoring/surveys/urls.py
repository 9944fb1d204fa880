from django.urls import path

from scoring.surveys import builder, public, views

urlpatterns = [
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
