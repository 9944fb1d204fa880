"""Sites whose address was forgotten: remembered for an hour, for the settings page to tell of."""

from django.core.cache import cache

SECONDS = 3600


def note(site_id: int | None, origin: str) -> None:
    if site_id is not None and origin and len(origin) <= 200 and origin.isprintable():
        cache.set(f"tracking-refused:{site_id}", origin, SECONDS)


def newest(site_id: int) -> str | None:
    found = cache.get(f"tracking-refused:{site_id}")
    return found if isinstance(found, str) else None
