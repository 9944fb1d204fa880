"""Files of leads: read, matched, tried, imported in the background, and taken back."""
