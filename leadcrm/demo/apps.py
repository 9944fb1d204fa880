from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "leadcrm.demo"
    label = "demo"
