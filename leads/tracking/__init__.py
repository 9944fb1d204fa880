"""What happens on our websites: stored first, read in batches, given to whom it belongs."""
