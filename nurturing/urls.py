from django.urls import path

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from nurturing import public, views

urlpatterns = [
    # Links in mails: no slash at the end, so that nothing is redirected.
    path("e/u/<str:token>", public.unsubscribe, name="mail-unsubscribe"),
    path("e/p/<str:token>", public.preferences, name="mail-preferences"),
    path("e/c/<str:token>", public.click, name="mail-click"),
    path("e/o/<str:token>", public.opened, name="mail-open"),
    path("nurturing/", views.campaign_list, name="campaigns"),
    path("nurturing/new/", views.campaign_new, name="campaign-new"),
    path("nurturing/sending/", views.sending_policy, name="sending-policy"),
    path("nurturing/templates/", views.template_list, name="mail-templates"),
    path("nurturing/templates/new/", views.template_new, name="mail-template-new"),
    path("nurturing/templates/<slug:key>/", views.template_editor, name="mail-template"),
    path(
        "nurturing/templates/<slug:key>/preview/",
        views.template_preview,
        name="mail-template-preview",
    ),
    path("nurturing/templates/<slug:key>/test/", views.template_test, name="mail-template-test"),
    path("nurturing/<slug:key>/", views.campaign_steps, name="campaign"),
    path("nurturing/<slug:key>/people/", views.campaign_people, name="campaign-people"),
    path("nurturing/<slug:key>/log/", views.campaign_log, name="campaign-log"),
    path("nurturing/<slug:key>/log/again/", views.mail_again, name="mail-again"),
    path("nurturing/<slug:key>/settings/", views.campaign_settings, name="campaign-settings"),
    path("nurturing/<slug:key>/state/", views.campaign_state, name="campaign-state"),
    path("nurturing/<slug:key>/publish/", views.campaign_publish, name="campaign-publish"),
    path("nurturing/<slug:key>/enrol/", views.campaign_enrol, name="campaign-enrol"),
    path("nurturing/<slug:key>/steps/", views.step_add, name="campaign-step-add"),
    path("nurturing/<slug:key>/steps/<str:step>/", views.step_change, name="campaign-step-change"),
    path("leads/<public_id:lead_id>/drips/", views.lead_enrol, name="lead-enrol"),
    path(
        "leads/<public_id:lead_id>/drips/<slug:key>/stop/", views.lead_stop, name="lead-drip-stop"
    ),
]
