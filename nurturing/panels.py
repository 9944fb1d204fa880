from datetime import datetime
from typing import Any

from leadcrm.accounts.models import Role
from leads.models import Lead
from leads.panels import Place, panel
from nurturing import queries


@panel(
    "drips",
    place=Place.DETAILS,
    position=40,
    template="nurturing/panels/drips.html",
    later="Drips",
)
def drips(lead: Lead, user: Any, at: datetime) -> dict[str, Any]:
    """Which campaigns the lead is or was in, its last mails, and why it did not get one."""
    office = user.has_role(Role.MARKETER, Role.MANAGER)
    return {"lead": lead, "drips": queries.drips_of(lead), "may_open": office}
