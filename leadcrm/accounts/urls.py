from django.urls import path

from leadcrm.accounts import availability_views as hours
from leadcrm.accounts import gallery, notice_views, views

urlpatterns = [
    path("settings/", views.settings_home, name="settings"),
    path("settings/components/", gallery.components, name="components"),
    path("settings/profile/", views.profile, name="profile"),
    path("settings/workspace/", views.workspace, name="workspace"),
    path("settings/notifications/", views.notification_list, name="notifications"),
    path("settings/notifications/read/", views.notifications_read, name="notifications-read"),
    path("settings/notifications/live/", notice_views.live, name="notifications-live"),
    path("settings/notifications/choices/", notice_views.choices, name="notification-choices"),
    path(
        "settings/notifications/<int:notification_id>/",
        views.notification_open,
        name="notification",
    ),
    path("settings/hours/", hours.hours, name="hours"),
    path("settings/hours/<slug:public_id>/", hours.hours, name="hours-of"),
    path("settings/hours/<slug:public_id>/absences/", hours.absence_add, name="absence-add"),
    path("settings/hours/<slug:public_id>/abilities/", hours.abilities, name="abilities"),
    path("settings/absences/<int:absence_id>/end/", hours.absence_end, name="absence-end"),
    path("settings/calendar/", hours.calendar, name="calendar"),
    path("settings/calendar/holidays/new/", hours.holidays, name="holidays-new"),
    path("settings/calendar/holidays/<int:calendar_id>/", hours.holidays, name="holidays"),
    path(
        "settings/calendar/holidays/<int:calendar_id>/delete/",
        hours.holidays_delete,
        name="holidays-delete",
    ),
    path("settings/people/", views.people_list, name="people"),
    path("settings/people/new/", views.person_new, name="person-new"),
    path("settings/people/<slug:public_id>/", views.person_edit, name="person"),
    path("settings/people/<slug:public_id>/active/", views.person_active, name="person-active"),
    path("settings/people/<slug:public_id>/leave/", views.person_leave, name="person-leave"),
    path("settings/people/<slug:public_id>/invite/", views.person_invite_again, name="invite"),
    path("settings/teams/new/", views.team_edit, name="team-new"),
    path("settings/teams/<int:team_id>/", views.team_edit, name="team"),
    path("settings/api-keys/", views.api_keys, name="api-keys"),
    path("settings/api-keys/new/", views.api_key_new, name="api-key-new"),
    path("settings/api-keys/<int:key_id>/revoke/", views.api_key_revoke, name="api-key-revoke"),
    path("settings/events/", views.event_list, name="events"),
    path("settings/events/retry/", views.event_retry, name="events-retry"),
    path("settings/mail/", views.mail_list, name="mail"),
    path("settings/mail/<str:key>/", views.mail_one, name="mail-one"),
    path("settings/mail/<str:key>/html/", views.mail_html, name="mail-html"),
]
