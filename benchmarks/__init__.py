"""How LeadCRM compares with the bare engine underneath: `python -m benchmarks`."""
