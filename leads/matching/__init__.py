"""Who somebody is: pure rules on names and identifiers, no database."""

from leads.matching.names import plain_key, split_name
from leads.matching.policy import Known, Match, Reason, Verdict, match
from leads.matching.twins import Facts, Likeness, likeness

__all__ = [
    "Facts",
    "Known",
    "Likeness",
    "Match",
    "Reason",
    "Verdict",
    "likeness",
    "match",
    "plain_key",
    "split_name",
]
