"""A company to look at: Marlow Scheduling sells shift planning to operations teams.

`story` invents what happened (pure, seeded), `load` writes it down, `bulk` makes a million leads.
"""
