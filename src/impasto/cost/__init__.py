"""What a run costs: its plan within the memory limit, and time and memory estimated before the start."""
