"""Scores, BANT answers and scoring models for programs."""

from django.urls import path

from scoring.api import bant, explaining, models, studies
from scoring.surveys import api as surveys

urlpatterns = [
    *explaining.urlpatterns,
    path("leads/<str:public_id>/bant/", bant.LeadBantView.as_view(), name="api-lead-bant"),
    path(
        "leads/<str:public_id>/standing/",
        bant.LeadStandingView.as_view(),
        name="api-lead-standing",
    ),
    *models.urlpatterns,
    *studies.urlpatterns,
    *surveys.urlpatterns,
]
