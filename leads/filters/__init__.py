"""What lists can be narrowed by."""

from leads.filters.chips import Chip, chips
from leads.filters.leads import BadFilter, LeadFilter, filter_names, narrowed

__all__ = ["BadFilter", "Chip", "LeadFilter", "chips", "filter_names", "narrowed"]
