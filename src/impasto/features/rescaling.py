"""The rescaled network: every filter's mean activation is 1 over photographs, as in Gatys et al. 2016, section 2.

Convolution, ReLU and pooling are positively homogeneous, so dividing a filter's kernel and bias by its mean activation,
and multiplying the next layer's kernels by it, rescales the features and changes nothing else.
"""

from collections.abc import Iterable, Mapping
from importlib import resources

import torch
from torch import Tensor

from impasto.features.architecture import Layers
from impasto.features.vgg import Vgg
from impasto.features.weights import PACKAGED, WeightsRecord


def rescale_layers(layers: Layers, mean_activations: Mapping[str, Tensor]) -> Layers:
    """Return the same network with layer l's filter i divided by mean_activations[l][i].

    mean_activations: {layer: (C,) above 0}, for every layer of the network.
    """
    rescaled: Layers = {}
    previous: Tensor | None = None
    for name, (kernel, bias) in layers.items():
        mean = mean_activations[name].to(kernel)
        if previous is not None:
            kernel = kernel * previous.view(1, -1, 1, 1)
        rescaled[name] = (kernel / mean.view(-1, 1, 1, 1), bias / mean)
        previous = mean
    return rescaled


def measure_mean_activations(encoder: Vgg, images: Iterable[Tensor]) -> dict[str, Tensor]:
    """Return the mean of each filter over all positions of all images, each image counting the same.

    images: (1, 3, H, W) in [0, 1]. Returns {layer: (C,)}. A filter that is silent on all of them gets a
    hundredth of its layer's mean instead, so that one can divide by it.
    """
    sums = {name: torch.zeros(()) for name in encoder.layer_names}
    count = 0
    with torch.no_grad():
        for image in images:
            for name, features in encoder(image, encoder.layer_names).items():
                # In float64, so that the number of threads makes no difference.
                sums[name] = sums[name] + features.mean(dim=(0, 2, 3), dtype=torch.float64)
            count += 1
    means = {name: (total / count).float() for name, total in sums.items()}
    # A layer that is silent altogether stays as it is.
    return {name: mean.clamp_min(0.01 * float(mean.mean()) or 1.0) for name, mean in means.items()}


def read_mean_activations(record: WeightsRecord, pooling: str) -> dict[str, Tensor] | None:
    """Return the shipped mean activations of these weights under this pooling, {layer: (C,)}; None if there are none.

    They were measured by examples/measure_rescaling.py.
    """
    from safetensors.torch import load

    if record.sha256 != PACKAGED.sha256:
        return None
    tensors = load((resources.files("impasto.features") / "mean_activations_oxford.safetensors").read_bytes())
    prefix = f"{pooling}."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
