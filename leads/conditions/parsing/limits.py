"""How large a condition and its values may be."""

import re

MAX_DEPTH = 10
MAX_LEAVES = 200
MAX_VALUES = 1000
MAX_TEXT = 500
MAX_DAYS = 3650
MAX_TIMES = 10_000
MAX_NUMBER = 1e15
MAX_PROPERTIES = 20
YEARS = range(1900, 2201)
ACTIVITY_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
