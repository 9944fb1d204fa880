"""The chance that a lead buys, learnt from closed sales; shown beside the rules, never above."""
