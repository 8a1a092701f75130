"""Many pictures: which ones, which of them are done, and what the workers paint."""
