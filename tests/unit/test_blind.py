"""benchmarks/blind: sheets with a key of every picture, whole answers, strengths that agree with the votes."""

import importlib
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image

BLIND = Path(__file__).parents[2] / "benchmarks" / "blind"
KEY = {"harbor": {"A": "old", "B": "new", "C": "peer"}}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Import a script of the folder as the scripts import each other."""
    monkeypatch.syspath_prepend(str(BLIND))
    yield lambda name: importlib.import_module(name)
    for name in ("pairs", "sheet", "votes", "grain", "paint", "nnst"):
        sys.modules.pop(name, None)


def test_the_pairs_are_sixteen_and_six_unseen(load, tmp_path):
    pairs = load("pairs")
    found = [pair for pair in pairs.read_pairs(tmp_path) if pairs.KINDS["main"](pair)]
    assert (len(found), sum(pair.unseen for pair in found)) == (16, 6)
    counts = [sum(map(pairs.KINDS[kind], pairs.read_pairs(tmp_path))) for kind in ("peers", "baseline", "ghost")]
    assert counts == [12, 6, 6]


def test_an_answer_is_opened_with_the_key(load):
    vote = load("votes").parse_answer("harbor | overall | B A=C | bold | and more", KEY)
    ranking = [["new"], ["old", "peer"]]
    assert vote == {"pair": "harbor", "question": "overall", "ranking": ranking, "reason": "bold | and more"}


@pytest.mark.parametrize(
    "line", ["harbor | overall | B A", "harbor | overall | B A A C", "town | overall | A B C", "harbor | taste | A B C"]
)
def test_an_answer_that_is_not_whole_is_refused(load, line):
    with pytest.raises(ValueError, match="expected"):
        load("votes").parse_answer(f"{line} | why", KEY)


def test_strengths_agree_with_the_probabilities_that_made_the_votes(load):
    votes, draw = load("votes"), random.Random(1)
    true = {"a": 1.0, "b": 0.0, "c": -1.0}
    duels = []
    for index in range(3000):
        one, other = draw.sample(sorted(true), 2)
        won = draw.random() < 1 / (1 + torch.tensor(true[other] - true[one]).exp().item())
        duels.append((f"sheet{index % 20}", *sorted((one, other)), float(won == (one < other))))
    found, spans = votes.fit_strengths(duels), votes.bootstrap(duels[:600])
    assert found == pytest.approx(true, abs=0.12)
    assert all(low <= found[name] + 0.3 and found[name] - 0.3 <= high for name, (low, high) in spans.items())


def test_a_sheet_hides_names_and_its_key_opens_it(load, tmp_path, monkeypatch):
    pairs: ModuleType = load("pairs")
    sheet = load("sheet")
    for name, color in (("old", "red"), ("new", "blue")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("RGB", (80, 60), color).save(tmp_path / "pictures" / name / "harbor.jpg")
    Image.new("RGB", (80, 60), "green").save(tmp_path / "photo.png")
    pair = pairs.Pair("harbor", tmp_path / "photo.png", tmp_path / "photo.png")
    monkeypatch.setattr(sheet, "PICTURES", tmp_path / "pictures")
    monkeypatch.setattr(sheet, "FOLDER", tmp_path)
    monkeypatch.setattr(sheet, "read_pairs", lambda data: [pair])
    monkeypatch.setattr(sys, "argv", ["sheet.py", str(tmp_path), "first", "old", "new", "missing"])
    sheet.main()
    key = json.loads((tmp_path / "keys" / "first.json").read_text())["harbor"]
    assert sorted(key.values()) == ["new", "old"]
    picture = Image.open(tmp_path / "sheets" / "first" / "harbor.jpg")
    x, y = 40, sheet.HEAD + sheet.SMALL + sheet.GAP + sheet.HEAD + 30
    red, _, blue = picture.getpixel((x, y))
    assert (key["A"] == "old") == (red > blue)


def test_grain_of_the_painting_itself_is_one_and_noise_is_more(load):
    grain = load("grain")
    torch.manual_seed(0)
    smooth = torch.nn.functional.avg_pool2d(torch.rand(1, 1, 196, 196), 5, 1, padding=2).expand(1, 3, -1, -1)
    plain = torch.full((1, 3, 196, 196), 0.5)
    same, windows = grain.measure(smooth, plain, smooth)
    assert same == pytest.approx(1, abs=1e-4) and windows == 25
    noisy, _ = grain.measure((smooth + 0.1 * torch.randn(1, 1, 196, 196)).clamp(0, 1), plain, smooth)
    assert noisy > 3
    assert grain.measure(smooth, (plain + torch.randn(1, 1, 196, 196)).clamp(0, 1), smooth) is None


def test_nnst_comes_nearer_to_the_style_and_takes_its_range_of_colors(load):
    nnst = load("nnst")
    generator = torch.Generator().manual_seed(1)
    content = nnst.resize(torch.rand(1, 3, 8, 6, generator=generator), (80, 64))
    style = 0.25 + 0.5 * nnst.resize(torch.rand(1, 3, 6, 9, generator=generator), (64, 96))
    assert nnst.join_bands(nnst.split_bands(content, nnst.LEVELS)).sub(content).abs().max() < 1e-6
    names = {"content_layers": nnst.LAYERS[-1:], "style_layers": nnst.LAYERS}
    encoder, _ = nnst.build_encoder(nnst.Recipe(weights="tiny", rescaled_network=False, **names))
    first, last = (nnst.Painter(encoder, content, style, steps).paint() for steps in (1, 8))

    def distance(picture):
        with torch.no_grad():
            found, wanted = encoder(picture, nnst.LAYERS), encoder(style, nnst.LAYERS)
            layers = [nnst.layer_distance(found[name], [wanted[name]], torch.Generator()) for name in nnst.LAYERS]
        return float(sum(layers))

    assert last.shape == content.shape and distance(last) < distance(first) < distance(content)
    painted, wanted = nnst.to_oklab(nnst.correct_colors(last, content, style)), nnst.to_oklab(style)
    assert wanted.amin() - 0.02 < painted.amin() and painted.amax() < wanted.amax() + 0.02
