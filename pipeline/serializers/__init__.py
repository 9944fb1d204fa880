"""What programs send to the pipeline and what they get, by noun."""
