from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import User
from leadcrm.accounts.scopes import SCOPES
from leadcrm.lib.errors import Invalid


class Command(BaseCommand):
    help = "Make an API key and print it, once: only its hash is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what uses the key, such as “Website”")
        parser.add_argument(
            "--scopes", required=True, help=f"comma-separated; choose from {', '.join(SCOPES)}"
        )
        parser.add_argument(
            "--publishable", action="store_true", help="for web pages: capture and tracking only"
        )
        parser.add_argument(
            "--origins", default="", help="comma-separated sites, such as https://example.com"
        )
        parser.add_argument("--user", help="e-mail of the person whose leads it sees; else all")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = create_api_key(
                name=options["name"],
                scopes=words(options["scopes"]),
                publishable=options["publishable"],
                origins=words(options["origins"]),
                user=self.find_user(options["user"]),
            )
        except Invalid as error:
            raise CommandError(error.detail) from None
        self.stdout.write(made.plain)

    def find_user(self, email: str | None) -> User | None:
        if not email:
            return None
        user = User.objects.filter(email=email.lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {email}.")
        return user


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
