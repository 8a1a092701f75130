"""Training and conversion of a VGG: data set, training, evaluation, weights files, comparison."""
