"""Many pictures: which ones, what is done of them, and the workers that paint them, on one machine or a cluster."""
