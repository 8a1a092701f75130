"""Third stage: feature maps become numbers to lower, each a pure function citing its equation."""
