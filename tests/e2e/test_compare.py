"""`impasto compare`: its terms, its figures, its errors."""

import json
from pathlib import Path

import pytest
import torch

from impasto.cli.app import main
from impasto.images.io import write_image
from impasto.recipe.recipe import Recipe

FAST = ("--weights", "tiny", "--size", "64", "--steps", "2", "--first-scale", "0", "--threads", "1")


@pytest.fixture(autouse=True)
def _small_figures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of a small network at a small size; tiny.toml in the working folder."""
    (folder / "tiny.toml").write_text('weights = "tiny"\nstyle_layers = ["conv1_2", "conv2_1"]\n', "utf-8")
    monkeypatch.setattr("impasto.experiments.compare.QUALITY_NETWORK", Recipe(weights="tiny"))
    monkeypatch.setattr("impasto.experiments.quality.LONG_EDGE", 64)


def test_the_terms_of_a_fresh_pastiche_are_its_losses(capfd: pytest.CaptureFixture[str]) -> None:
    """The total within 2 %, small terms within 10 %: the file is rounded to 8 bits."""
    assert main(["stylize", "photo.png", "painting.png", "-o", "out.png", *FAST, "--json"]) == 0
    losses = json.loads(capfd.readouterr().out)["losses"]
    assert main(["compare", "photo.png", "painting.png", "out.png", "--threads", "1", "--json"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert set(values) == {"output", "size", "figures", "objective", "optimised_layers", "regions", "seconds"}
    assert (values["output"], values["size"]) == ("out.png", {"width": 64, "height": 48})
    objective = values["objective"]
    assert (objective["recipe_from"], objective["total"]) == ("picture", pytest.approx(losses["total"], rel=0.02))
    sums = {kind: sum(t["value"] for t in objective["terms"] if t["term"] == kind) for kind in ("content", "style")}
    assert sums == {kind: pytest.approx(losses[kind], rel=0.1) for kind in sums}
    assert [t["name"] for t in objective["terms"]][:2] == ["content conv4_2", "covariance conv1_1"]


def test_without_json_every_figure_is_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "photo.png", "painting.png", "photo.png", "--recipe", "tiny.toml"]) == 0
    out, err = capfd.readouterr()
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == "photo.png: 64x48"
    rows = {line.split()[0]: line for line in lines if line}
    assert rows["ssim"].split()[1] == "1.0000" and rows["ssim"].endswith("1 is the same")
    assert rows["structure"].split()[1] == "0.0000" and rows["structure"].endswith("0 is the same")
    assert "The recipe optimizes conv1_2: figures of these layers are too good." in lines
    assert "share, under tiny.toml" in rows["objective"]
    assert {"content", "covariance", "nearest", "tv", "total"} <= set(rows)
    assert err == ""


def test_with_masks_there_is_a_row_for_each_region(capfd: pytest.CaptureFixture[str]) -> None:
    for name, (height, width) in {"content": (48, 64), "style": (50, 40)}.items():
        mask = torch.zeros(1, 3, height, width)
        mask[..., : width // 2] = 1
        write_image(mask, f"{name}.png")
    masks = ("--content-mask", "content.png", "--style-mask", "style.png")
    arguments = ["compare", "photo.png", "painting.png", "photo.png", "--recipe", "tiny.toml", *masks]
    assert main(arguments) == 0
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert ["region", "area", "style_gram", "style_moments"] in rows
    assert [row[:3] for row in rows if row[:2] in (["region", "1"], ["the", "rest"])] == [
        ["region", "1", "50.0%"], ["the", "rest", "50.0%"]
    ]  # fmt: skip
    assert main([*arguments, "--json"]) == 0
    regions = json.loads(capfd.readouterr().out)["regions"]
    assert [set(region) for region in regions] == [{"name", "area", "style_gram", "style_moments"}] * 2
    assert main([*arguments, "--content-mask", "painting.png"]) == 2
    assert "--content-mask 2 'painting.png' is 40x50" in capfd.readouterr().err


def test_the_style_itself_scores_zero(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "photo.png", "painting.png", "painting.png", "--recipe", "tiny.toml", "--json"]
    assert main(arguments) == 0
    out, err = capfd.readouterr()
    values = json.loads(out)
    for name in ("style_gram", "nearest_to_style", "nearest_from_style", "palette", "ciede2000_style"):
        assert values["figures"][name] == pytest.approx(0, abs=1e-5)
    assert (values["objective"]["recipe_from"], values["optimised_layers"]) == ("tiny.toml", ["conv1_2"])
    assert err.count("\n") == 1 and "stretched" in err


BAD: dict[str, tuple[list[str], str]] = {
    "missing content": (["phot.png", "painting.png", "photo.png"], "Did you mean 'photo.png'?"),
    "missing style": (["photo.png", "no.png", "photo.png"], "'no.png' does not exist"),
    "missing pastiche": (["photo.png", "painting.png", "no.png"], "'no.png' does not exist"),
    "no pastiche": (["photo.png", "painting.png"], "missing argument 'PASTICHE'"),
    "text": (["photo.png", "painting.png", "tiny.toml"], "not a picture"),
    "exchanged": (["painting.png", "photo.png", "wide.png"], "in the order CONTENT STYLE PASTICHE"),
    "too small": (["photo.png", "painting.png", "small.png"], "pastiche is 16x12; expected at least 16 pixels"),
    "unknown preset": (["photo.png", "painting.png", "photo.png", "--preset", "papr"], "Did you mean 'paper'?"),
    "no recipe": (["photo.png", "painting.png", "photo.png", "--recipe", "no.toml"], "cannot be read"),
    "both": (["photo.png", "painting.png", "photo.png", "--preset", "paper", "--recipe", "tiny.toml"], "both given"),
    "unknown device": (["photo.png", "painting.png", "photo.png", "--device", "tpu"], "'tpu'"),
    "too many pixels": (["photo.png", "painting.png", "photo.png", "--max-pixels", "100"], "expected at most 100"),
}

@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_2(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    write_image(torch.full((1, 3, 12, 16), 0.5), "small.png")
    write_image(torch.full((1, 3, 48, 64), 0.5), "wide.png")
    arguments, expected = BAD[name]
    assert main(["compare", *arguments, "--json"]) == 2
    out, err = capfd.readouterr()
    assert expected in err
    assert err.startswith("impasto: ") and err.count("\n") == 1
    assert set(json.loads(out)) == {"error", "hint"}
