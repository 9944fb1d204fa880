"""Addresses of the dashboards."""

from django.urls import path

from leadcrm.dashboard import views

urlpatterns = [
    path("dashboard/", views.overview, name="dashboard"),
    path("dashboard/funnel/", views.funnel, name="dashboard-funnel"),
    path("dashboard/response-time/", views.response_time, name="dashboard-response"),
    path("dashboard/sources/", views.sources, name="dashboard-sources"),
    path("dashboard/reps/", views.reps, name="dashboard-reps"),
    path("dashboard/rows/", views.rows, name="dashboard-rows"),
]
