"""What people decide about spam: how strict, whom to let through, whom never."""

from typing import Any

from leadcrm.accounts.models import User
from leads.capture import proof
from leads.models import SpamPolicy, SpamRule


def set_policy(**changes: Any) -> SpamPolicy:
    policy, _ = SpamPolicy.objects.update_or_create(pk=1, defaults=changes)
    proof.forget_policy()
    return policy


def set_rule(value: str, *, kind: str, note: str, by: User) -> SpamRule:
    """One decision for each address or domain: the newest."""
    rule, _ = SpamRule.objects.update_or_create(
        value=value, defaults={"kind": kind, "note": note, "by": by, "learned_from": None}
    )
    return rule


def forget_rule(rule_id: int) -> SpamRule | None:
    """Return what was forgotten, so that it can be said and made again."""
    rule = SpamRule.objects.filter(pk=rule_id).first()
    if rule is not None:
        SpamRule.objects.filter(pk=rule_id).delete()
    return rule
