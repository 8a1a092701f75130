"""Films: read and written, and painted so that they do not flicker."""
