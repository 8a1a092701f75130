"""The folder of a run on the disk: what is painted and how, checkpoints to go on from, the trace, the result."""
