"""Pools: people who share leads, and how they share them."""

from django.db import transaction

from leadcrm.accounts.models import Team
from leadcrm.lib.errors import Invalid
from leadcrm.lib.normalise import clean_text
from pipeline.models import Pool


@transaction.atomic
def save_pool(
    pool: Pool | None, *, name: str, method: str, queue: Team | None, includes_everyone: bool
) -> Pool:
    """Make a pool, or change how it shares.

    :raises Invalid: no name, a name that another pool has, or an unknown method.
    """
    text = clean_text(name, limit=80)
    if not text:
        raise Invalid.field("name", "Give the pool a name.", "required")
    if method not in Pool.Method.values:
        raise Invalid.field("method", f"Choose one of {', '.join(Pool.Method.values)}.")
    saved = pool or Pool()
    if Pool.objects.filter(name=text).exclude(pk=saved.pk).exists():
        raise Invalid.field("name", f"There is a pool “{text}” already. Choose another name.")
    saved.name, saved.method, saved.queue = text, method, queue
    saved.includes_everyone = includes_everyone
    saved.save()
    return saved
