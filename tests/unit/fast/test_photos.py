"""Windows of photographs: by seed and number alone, recolored for their style; broken files are skipped."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.control.recolor import recolor
from impasto.errors import DataSetError
from impasto.fast import motion
from impasto.fast.photos import Photos, Windows, load_windows
from impasto.fast.recipe import TrainingRecipe
from impasto.images.io import write_image
from impasto.images.warp import inside, warp


def load(folder: Path, styles: list[Tensor], recipe: TrainingRecipe, items: list[tuple[int, int]]) -> Windows:
    return next(load_windows(Photos.find(folder, folder / "run"), styles, recipe, [items], 0))


def test_windows_depend_on_their_number_alone(
    photos: Path, picture: Callable[..., Tensor], quick: TrainingRecipe
) -> None:
    styles = [picture(seed=8), picture(seed=9)]
    both = load(photos, styles, quick, [(0, 3), (2, 1)])
    alone = load(photos, styles, quick, [(2, 1)])
    assert both.photographs.shape == both.contents.shape == (2, 3, 32, 32)
    assert both.styles == [1, 1] and alone.styles == [1]
    assert torch.equal(both.contents[1:], alone.contents)
    assert not torch.equal(alone.photographs, load(photos, styles, quick, [(4, 1)]).photographs)
    other = load(photos, styles, replace(quick, seed=1), [(2, 1)])
    assert not torch.equal(alone.photographs, other.photographs)


def test_the_flow_carries_a_photograph_to_its_moved_window(
    photos: Path, picture: Callable[..., Tensor], quick: TrainingRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion, "GRAIN", 0.0)
    recipe, items = replace(quick, temporal_weight=1.0), [(epoch, epoch % 5) for epoch in range(8)]
    windows = load(photos, [picture(seed=8)], recipe, items)
    assert windows.moved is not None and windows.flows is not None
    assert windows.flows.shape == (8, 2, 32, 32) and 0 < windows.flows.abs().max() < 8
    seen = inside(windows.flows)
    carried = (seen * (warp(windows.photographs, windows.flows) - windows.moved)).abs().mean()
    assert carried < 0.25 * (seen * (windows.photographs - windows.moved)).abs().mean()
    still = load(photos, [picture(seed=8)], quick, items)
    assert still.moved is None and torch.equal(still.photographs, windows.photographs)


def test_contents_are_the_recolored_photographs(
    tmp_path: Path, picture: Callable[..., Tensor], quick: TrainingRecipe
) -> None:
    flat = torch.tensor([0.2, 0.5, 0.7])[None, :, None, None].expand(1, 3, 40, 60)
    write_image(flat.contiguous(), tmp_path / "flat.png")
    style = picture(seed=8)
    windows = load(tmp_path, [style], quick, [(0, 0)])
    expected = recolor(quick.look, flat, [style])[..., :1, :1].expand_as(windows.contents)
    torch.testing.assert_close(windows.contents, expected, atol=2 / 255, rtol=0)
    plain = replace(quick, look=quick.look.replace(recolor=0.0))
    assert torch.equal(
        *(getattr(load(tmp_path, [style], plain, [(0, 0)]), name) for name in ("photographs", "contents"))
    )
    kept = replace(quick, look=quick.look.replace(color="content-luma"))
    assert torch.equal(
        *(getattr(load(tmp_path, [style], kept, [(0, 0)]), name) for name in ("photographs", "contents"))
    )


def test_broken_photographs_are_skipped_and_named(
    photos: Path, picture: Callable[..., Tensor], quick: TrainingRecipe
) -> None:
    whole = (photos / "1.png").read_bytes()
    (photos / "1.png").write_bytes(whole[: len(whole) // 2])
    windows = load(photos, [picture()], quick, [(0, 1), (0, 2)])
    assert list(windows.broken) == [str(photos / "1.png")]
    assert "1.png" in windows.broken[str(photos / "1.png")]
    for path in photos.iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(DataSetError, match="none of 5 can be read; the first: photo .*png"):
        load(photos, [picture()], quick, [(0, 0)])


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataSetError, match="has no picture"):
        Photos.find(tmp_path, tmp_path / "run")
