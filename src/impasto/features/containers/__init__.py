"""The files that a VGG's weights come in: ours, torchvision's, MatConvNet's, Keras's and Caffe's."""
