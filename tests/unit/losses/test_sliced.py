"""The sliced loss: random directions of a seed, and the features along them."""

import torch

from impasto.losses.sliced import project, random_directions, sorted_projections


def test_directions_are_unit_vectors_of_the_seed() -> None:
    directions = random_directions(16, 3)
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(16))
    assert torch.equal(directions, random_directions(16, 3))
    assert not torch.equal(directions, random_directions(16, 4))


def test_projections_are_the_features_along_the_seeds_directions() -> None:
    F = torch.rand(1, 3, 4, 5)
    torch.testing.assert_close(project(F, torch.eye(3)), F)
    directions = random_directions(3, 7)
    turned = torch.einsum("kc,bcm->bkm", directions, F.flatten(2))
    torch.testing.assert_close(sorted_projections(F, directions), turned.sort(dim=2).values)
