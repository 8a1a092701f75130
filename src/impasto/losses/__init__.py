"""From feature maps to numbers: the losses, each with its equation, and the objective that adds them."""
