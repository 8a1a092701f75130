"""Measures the mean activation of each filter of Oxford's VGG-19 over photographs, for the rescaled network.

    python examples/measure_rescaling.py OUT.safetensors PHOTO... [--size 512]

The shipped file was made from eleven free photographs: chelsea, coffee, astronaut and rocket of scikit-image,
numbers 8, 16, 21, 22 and 24 of the Kodak suite, scikit-learn's flower and Wikimedia's Tuebingen Neckarfront.
"""

import argparse

from safetensors.torch import save_file

from impasto.features.rescaling import measure_mean_activations
from impasto.features.vgg import Vgg
from impasto.features.weights import load_weights
from impasto.images.io import read_image
from impasto.images.resize import fit_long_edge, resize_image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--size", type=int, default=512, help="long edge the photographs are measured at")
    arguments = parser.parse_args()
    weights = load_weights()
    images = [read_image(photo) for photo in arguments.photos]
    images = [resize_image(image, fit_long_edge(*image.shape[-2:], arguments.size)) for image in images]
    tensors = {}
    for pooling in ("max", "average"):
        encoder = Vgg(weights.layers, weights.record.preprocessing, pooling=pooling)
        for name, means in measure_mean_activations(encoder, images).items():
            print(f"{pooling:8} {name}: {means.min():9.3f} .. {means.max():9.3f}")
            tensors[f"{pooling}.{name}"] = means
    save_file(tensors, arguments.out)


if __name__ == "__main__":
    main()
