"""The servers `make run` starts when nobody names others: PostgreSQL, Valkey, an SMTP catcher.

Settings ask here where they are. Nothing in this package imports Django.
"""

from leadcrm.embedded.state import secret_key, urls

__all__ = ["secret_key", "urls"]
