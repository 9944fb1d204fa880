"""Which channel a touch belongs to, and which touches share the credit for what came of them."""
