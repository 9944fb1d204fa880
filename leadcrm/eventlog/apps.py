from django.apps import AppConfig


class EventlogConfig(AppConfig):
    name = "leadcrm.eventlog"
    label = "eventlog"
