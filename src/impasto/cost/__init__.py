"""What a run costs: a plan within the memory limit, and an estimate of time and memory before the start."""
