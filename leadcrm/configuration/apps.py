from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    name = "leadcrm.configuration"
    label = "configuration"
