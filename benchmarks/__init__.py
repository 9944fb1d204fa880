"""Benchmarks: what the product reaches, as ratios to the bare engine in the same run."""
