"""Weights files of a VGG: ours, torchvision's, MatConvNet's, Keras's and Caffe's."""
