"""Second stage: an image becomes {layer name: feature map}."""
