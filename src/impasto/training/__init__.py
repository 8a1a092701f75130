"""What every trainer of a network shares: batches, checkpoints, curves, several processes."""
