"""Fourth stage: an image is changed, step by step, until its objective is low."""
