"""A draft over the live database: who would move, and what would follow. Nothing is written."""
