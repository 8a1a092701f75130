"""A pool of workers, as processes on this machine or on a Ray cluster."""
