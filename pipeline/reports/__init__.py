"""What the pipeline counts: funnel, response time, sources, overview. One definition each."""
