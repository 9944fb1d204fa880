"""From a planned mail to one the mail server has accepted: once, or known to be in doubt."""

from nurturing.sending.deliver import drain_sends, recover

__all__ = ["drain_sends", "recover"]
