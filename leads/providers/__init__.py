"""The programs that send us leads: one module for each, and what is common to all."""

from leads.providers.base import (
    BAD_SIGNATURE,
    REPEATED,
    Delivery,
    Option,
    Provider,
    Received,
    Reply,
)
from leads.providers.reading import connection_of, door_of, read_item
from leads.providers.registry import PROVIDERS, provider_of

__all__ = [
    "BAD_SIGNATURE",
    "PROVIDERS",
    "REPEATED",
    "Delivery",
    "Option",
    "Provider",
    "Received",
    "Reply",
    "connection_of",
    "door_of",
    "provider_of",
    "read_item",
]
