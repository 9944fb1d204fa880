from django.urls import URLPattern, path

from leadcrm.configuration import views

urlpatterns: list[URLPattern] = [
    path("settings/configuration/", views.configuration, name="configuration"),
    path("settings/configuration/file/", views.download, name="configuration-file"),
]
