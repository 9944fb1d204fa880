"""Whether what must always hold does hold. `manage.py audit` prints every breach."""
