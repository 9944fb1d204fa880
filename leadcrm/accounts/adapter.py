from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from leadcrm.lib.middleware import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves: an administrator invites."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Failed sign-ins are counted for the address that the proxies in front vouch for."""
        return client_address(request) or "unknown"
