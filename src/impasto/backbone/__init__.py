"""A VGG of one's own: pictures made ready, the network trained on them, judged and written out."""
