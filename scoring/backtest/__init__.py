"""Closed sales as the rules saw them on the day they qualified, and what follows from them."""
