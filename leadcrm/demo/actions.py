"""Load the demo company as a whole."""

from datetime import datetime

from leadcrm.demo import load
from leads.models import Lead


def load_demo(*, count: int, seed: int, now: datetime) -> list[Lead]:
    """Colleagues, leads, their history and drips, then every score from the real rules."""
    staff = load.load_company(now=now)
    return load.load_stories(staff, count=count, seed=seed, now=now)
