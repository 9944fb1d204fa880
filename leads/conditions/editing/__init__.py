"""A condition while somebody edits it: rows of a form, half finished, that become a tree.

Every part has a path: the root group is called as the form's field, say `c`, its second part `c.1`,
that one's first part `c.1.0`. The inputs of a part are named after it: `c.1-what`, `c.1-op`,
`c.1-value`. Nothing typed is lost on the way to the tree and back; what makes no sense is refused
by `parse`, whose errors name places in the tree, which `Draft.errors_at` finds again.
"""

from leads.conditions.editing.drafts import (
    MATCHES,
    ROOT,
    Draft,
    Part,
    Row,
    Set,
    Where,
    draft_of,
)
from leads.conditions.editing.posting import do_of, first_op, is_posted, read
from leads.conditions.editing.texts import joined, parted

__all__ = [
    "MATCHES",
    "ROOT",
    "Draft",
    "Part",
    "Row",
    "Set",
    "Where",
    "do_of",
    "draft_of",
    "first_op",
    "is_posted",
    "joined",
    "parted",
    "read",
]
