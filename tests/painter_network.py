"""A small network that paints, untrained: for tests of all that is done with trained ones."""

import torch

from impasto.fast.network import Architecture, Design, Network


def random_network(styles: int = 2, width: int = 4, blocks: int = 1, design: Design = "separable") -> Network:
    """A network whose rows of parameters differ."""
    network = Network(Architecture(width=width, blocks=blocks, design=design), styles)
    generator = torch.Generator().manual_seed(0)
    network.initialize(generator)
    with torch.no_grad():
        for layer in network.layers:
            for values in (layer.scales, layer.shifts):
                values.add_(0.3 * torch.randn(values.shape, generator=generator))
    return network.eval()
