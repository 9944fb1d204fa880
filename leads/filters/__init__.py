"""What lists can be narrowed by."""

from leads.filters.chips import Chip, chips
from leads.filters.leads import BadFilter, LeadFilter, narrowed

__all__ = ["BadFilter", "Chip", "LeadFilter", "chips", "narrowed"]
