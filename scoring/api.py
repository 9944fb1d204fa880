"""Scores, BANT answers and scoring models for programs."""

from django.urls import path

from scoring import bantapi, explainapi, modelapi, studiesapi
from scoring.surveys import api as surveys

urlpatterns = [
    *explainapi.urlpatterns,
    path("leads/<str:public_id>/bant/", bantapi.LeadBantView.as_view(), name="api-lead-bant"),
    path(
        "leads/<str:public_id>/standing/",
        bantapi.LeadStandingView.as_view(),
        name="api-lead-standing",
    ),
    *modelapi.urlpatterns,
    *studiesapi.urlpatterns,
    *surveys.urlpatterns,
]
