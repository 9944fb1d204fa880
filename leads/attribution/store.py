"""The rules that hold now."""

from leadcrm.lib import memo
from leads.attribution.defaults import DEFAULTS
from leads.attribution.rules import RuleSet, read
from leads.models import ChannelRuleSet

MEMO = "channel-rules"


def current_rules() -> RuleSet:
    """The published version, or the one installations begin with; read once for each request."""
    return memo.once(MEMO, _read)


def _read() -> RuleSet:
    row = ChannelRuleSet.objects.filter(state=ChannelRuleSet.State.PUBLISHED).first()
    return DEFAULTS if row is None else rules_of(row)


def rules_of(row: ChannelRuleSet) -> RuleSet:
    return RuleSet(row.number, read(row.rules), tuple(row.own_hosts))


def forget() -> None:
    """After a version was published."""
    memo.forget(MEMO)
