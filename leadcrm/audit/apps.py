from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "leadcrm.audit"
    label = "audit"
