from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "leadcrm.dashboard"
    label = "dashboard"
