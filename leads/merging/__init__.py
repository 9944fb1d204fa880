"""Making two leads one, so that it can be undone.

`registry`: how the rows of each app go over. `journal`: what was written, to be undone exactly.
`values`: which value of two a field keeps. The doing is in `leads.actions.merging`.
"""

from leads.merging import rules as rules  # registers the ground floor's own
