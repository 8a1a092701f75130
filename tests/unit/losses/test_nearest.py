"""The nearest-neighbour loss on vectors whose match is known."""

import pytest
import torch
from torch import Tensor

from impasto.losses.nearest import (
    REMATCH,
    STYLE_VECTORS,
    NearestStyle,
    match_rows,
    nearest_distance,
    price_vectors,
)


def row(*vectors: tuple[float, float]) -> Tensor:
    """Two channels on one row of places: (1, 2, 1, n)."""
    return torch.tensor(vectors, dtype=torch.float64).T.reshape(1, 2, 1, -1)


AXES = row((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))


def one_layer(style: Tensor, content: Tensor | None = None, seed: int = 0) -> NearestStyle:
    kept = None if content is None else {"conv1_1": content}
    return NearestStyle({"conv1_1": style}, kept, {"conv1_1": 1.0}, seed)


def loss(style: NearestStyle, *features: Tensor) -> float:
    return float(nearest_distance(style.columns(*features), style))


def test_each_place_is_pulled_to_the_nearest_by_angle() -> None:
    # Every picture here has mean 0, as the style has.
    assert loss(one_layer(AXES), AXES * 7) == pytest.approx(0, abs=1e-12)
    diagonal = row((5.0, 5.0), (-5.0, -5.0))
    assert loss(one_layer(AXES), diagonal) == pytest.approx(1 - 0.5**0.5)


def test_layers_have_the_same_energy_on_the_grid_of_the_middle_one() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 8, 12), (3, 4, 6), (5, 2, 3))
    fine, middle, coarse = (torch.rand(1, *shape, generator=generator) for shape in shapes)
    style = {"conv1_1": 100 * fine, "conv2_1": middle, "conv3_1": 0.01 * coarse}
    target = NearestStyle(style, None, dict.fromkeys(style, 1.0), 0)
    columns = target.columns(*style.values())
    assert columns.shape == (1, 10, 4, 6)
    energies = [float(part.square().sum(1).mean()) for part in columns.split([2, 3, 5], dim=1)]
    assert energies == pytest.approx([1, 1, 1], rel=0.25)  # resampling smooths
    assert loss(target, *style.values()) == pytest.approx(0, abs=1e-6)
    finer = NearestStyle(style, None, dict.fromkeys(style, 1.0), 0, grid="conv1_1")
    assert finer.columns(*style.values()).shape == (1, 10, 8, 12)
    assert len(finer.vectors) == 96


def test_the_match_is_kept_for_a_while() -> None:
    style = one_layer(AXES)
    first = row((1.0, 0.1), (-1.0, -0.1))
    turned = row((0.1, 1.0), (-0.1, -1.0))
    kept = [style.match(first)] + [style.match(turned) for _ in range(REMATCH)]
    assert all(torch.equal(match, kept[0]) for match in kept[:REMATCH])
    assert not torch.equal(kept[REMATCH], kept[0])


def test_the_photograph_takes_part_in_the_match(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that has lost the photograph's right hand side is pulled back to it."""
    monkeypatch.setattr("impasto.losses.nearest.PRICE_ROUNDS", 0)  # two places have no need of four vectors
    content = row((0.0, 3.0), (0.0, -3.0))
    blank = row((0.1, 0.05), (-0.1, -0.05))
    alone, together = one_layer(AXES).match(blank), one_layer(AXES, content).match(blank)
    assert alone.tolist() == [0, 1]
    assert together.tolist() == [2, 3]


def test_gradcheck_with_the_match_held() -> None:
    style = one_layer(torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    style.match(style.columns(torch.randn(1, 4, 3, 5, dtype=torch.float64)))
    style.match = lambda columns, held=style._match: held  # type: ignore[method-assign,assignment]
    features = torch.randn(1, 4, 3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda F: nearest_distance(style.columns(F), style), features)


def test_the_gradient_is_channels_last_as_features_are() -> None:
    """Its strides too, which torch chooses by: where they say otherwise, pooling copies the features twice."""
    features = torch.rand(1, 4, 8, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    style = one_layer(features.detach())
    columns = style.columns(features)
    (gradient,) = torch.autograd.grad(nearest_distance(columns, style), columns)
    assert gradient.stride() == columns.stride()


def test_the_gradient_stores_two_copies_of_the_hypercolumns() -> None:
    """As many as the differences and the matched vectors; not the features scaled, nor unit vectors."""
    features = [torch.rand(1, 8, 32 // k, 32 // k, requires_grad=True) for k in (1, 2, 4)]
    names = ("conv1_1", "conv2_1", "conv3_1")
    painting = {name: layer.detach() for name, layer in zip(names, features, strict=True)}
    style = NearestStyle(painting, None, dict.fromkeys(names, 1.0), 0)
    stored: dict[int, int] = {F.untyped_storage().data_ptr(): 0 for F in features}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.dtype == torch.float32:
            stored.setdefault(tensor.untyped_storage().data_ptr(), tensor.untyped_storage().nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        columns = style.columns(*features)
        distance = nearest_distance(columns, style)
    assert distance.requires_grad
    assert sum(stored.values()) < 2.3 * columns.nbytes


def test_many_positions_are_drawn_by_the_seed() -> None:
    style = torch.randn(1, 3, 160, 120, generator=torch.Generator().manual_seed(0))
    vectors = one_layer(style, seed=5).vectors
    assert vectors.shape == (STYLE_VECTORS, 3)
    assert torch.equal(vectors, one_layer(style, seed=5).vectors)
    assert not torch.equal(vectors, one_layer(style, seed=6).vectors)


def test_a_silent_layer_has_a_finite_gradient() -> None:
    style = one_layer(torch.zeros(1, 3, 4, 4))
    features = torch.zeros(1, 3, 4, 4, requires_grad=True)
    nearest_distance(style.columns(features), style).backward()
    assert features.grad is not None
    assert bool(torch.isfinite(features.grad).all())


def test_the_rounding_of_one_color_pulls_at_nothing() -> None:
    """Its unit vectors would be noise, which a white photograph with the colors of its own would be painted in."""
    noise = 1e-7 * torch.rand(1, 2, 1, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    flat = one_layer(1 + noise)
    assert float(flat.vectors.norm(dim=1).max()) < 1e-3
    leaf = (1 + noise.flip(3)).requires_grad_()
    (gradient,) = torch.autograd.grad(nearest_distance(flat.columns(leaf), flat), leaf)
    (pull,) = torch.autograd.grad(nearest_distance(one_layer(AXES).columns(leaf), one_layer(AXES)), leaf)
    assert float(gradient.norm()) < 0.1 * float(pull.norm())


def test_prices_spread_the_places_over_the_vectors() -> None:
    """Places alike share the style's vectors that are about as near, instead of all taking one."""
    turns = torch.linspace(0, 0.8, 16)
    vectors = torch.stack([turns.cos(), turns.sin()], dim=1)
    query = torch.tensor([[1.0, 0.0]]) + 0.01 * torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    plain = match_rows(query, vectors, torch.zeros(16))
    priced = match_rows(query, vectors, price_vectors(query, vectors))
    assert len(plain.unique()) <= 4
    assert len(priced.unique()) >= 8
