"""Reads for the settings pages."""

from allauth.mfa.models import Authenticator
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from leadcrm.accounts.models import ApiKey, Notification, Team, User


def people(search: str = "") -> QuerySet[User]:
    """Everybody, those who may sign in first, with their teams, last visit and second step."""
    found = User.objects.filter(Q(name__icontains=search) | Q(email__icontains=search))
    second_step = Authenticator.objects.filter(user=OuterRef("pk")).exclude(
        type=Authenticator.Type.RECOVERY_CODES
    )
    return (
        found.annotate(last_seen_at=Max("usersession__last_seen_at"), two_step=Exists(second_step))
        .prefetch_related("teams")
        .order_by("-is_active", "name", "pk")
    )


def teams() -> QuerySet[Team]:
    found = Team.objects.select_related("manager", "parent")
    return found.prefetch_related("members").order_by("name")


def api_keys() -> QuerySet[ApiKey]:
    return ApiKey.objects.select_related("user", "created_by").order_by("-revoked_at", "-pk")


def notifications_of(user: User) -> QuerySet[Notification]:
    return Notification.objects.filter(user=user, in_app=True).order_by("-created_at", "-pk")
