"""Why a score is what it is: what stands behind each rule, its course, and what would change it."""
