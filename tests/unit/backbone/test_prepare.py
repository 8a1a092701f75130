"""Preparation: stored and broken pictures, resuming, and refusals."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.backbone import prepare as module
from impasto.backbone.prepare import find_pictures, prepare
from impasto.backbone.store import Store, import_lmdb
from impasto.errors import DataSetError, MissingExtraError, OutputError, RecipeError


def test_pictures_are_stored_as_squares_with_their_classes(pictures: Path, tmp_path: Path) -> None:
    made = prepare(pictures, tmp_path / "data", size=36, kind="raw", validation=0.25)
    assert (made.pictures, made.broken) == (12, ())
    with Store(tmp_path / "data") as store:
        assert store.about.classes == ("ash", "birch", "cedar")
        assert store.about.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
        assert sorted([*store.about.train, *store.about.validation]) == list(range(12))
        assert [store.about.labels[number] for number in store.about.validation] == [0, 1, 2]
        stored, label = store.read(5)
        with Image.open(pictures / "birch" / "1.png") as picture:
            expected = picture.convert("RGB").resize((36, 36), Image.Resampling.BILINEAR)
        assert label == 1
        assert np.array_equal(np.asarray(stored), np.asarray(expected))


def test_mean_and_deviation_are_of_the_training_pictures(data: Path) -> None:
    with Store(data) as store:
        pixels = np.stack([np.asarray(store.read(int(number))[0]) for number in store.about.train]) / 255
        assert store.about.mean == pytest.approx(pixels.mean(axis=(0, 1, 2)), abs=1e-6)
        assert store.about.std == pytest.approx(pixels.std(axis=(0, 1, 2)), abs=1e-5)


def test_jpeg_is_near_and_smaller(pictures: Path, tmp_path: Path) -> None:
    prepare(pictures, tmp_path / "raw", size=64, kind="raw")
    prepare(pictures, tmp_path / "jpeg", size=64, kind="jpeg")
    with Store(tmp_path / "raw") as raw, Store(tmp_path / "jpeg") as jpeg:
        exact, near = (np.asarray(store.read(3)[0], dtype=float) for store in (raw, jpeg))
    assert 0 < np.abs(exact - near).mean() < 3


def test_upright_and_on_white(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGBA", (40, 40), (200, 0, 0, 0)).save(tmp_path / "pictures" / name / f"{number}.png")
    turned = Image.new("RGB", (40, 40))
    turned.paste((255, 255, 255), (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned.save(tmp_path / "pictures" / "one" / "turned.jpg", exif=exif, quality=100)
    prepare(tmp_path / "pictures", tmp_path / "data", size=40, kind="raw")
    with Store(tmp_path / "data") as store:
        assert store.read(0)[0].getpixel((5, 5)) == (255, 255, 255)
        upright = np.asarray(store.read(2)[0])
    assert upright[:, 30:].min() > 240
    assert upright[:, :10].max() < 15


def test_broken_pictures_are_counted_and_named(pictures: Path, tmp_path: Path) -> None:
    whole = (pictures / "ash" / "0.png").read_bytes()
    (pictures / "ash" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (pictures / "birch" / "notes.txt").write_text("no picture")
    (pictures / "cedar" / "empty.jpg").touch()
    calls: list[tuple[int, int, int]] = []
    made = prepare(pictures, tmp_path / "data", size=36, on_progress=lambda *counts: calls.append(counts))
    assert [name for name, _ in made.broken] == ["ash/cut.png", "birch/notes.txt", "cedar/empty.jpg"]
    assert all(reason and "0x" not in reason for _, reason in made.broken)
    assert calls == [(15, 15, 3)]
    assert len(made.about.train) + len(made.about.validation) == 12


def test_it_resumes_where_it_stopped(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 5)
    read: list[Path] = []
    read_square = module._read_square

    def count(path: Path, size: int) -> Image.Image:
        read.append(path)
        return read_square(path, size)

    monkeypatch.setattr(module, "_read_square", count)
    with pytest.raises(KeyboardInterrupt, match="stopped at 5 of 12 pictures; run it again to resume"):
        prepare(pictures, tmp_path / "data", size=36, kind="raw", on_progress=lambda *counts: "stop")
    assert len(read) == 5
    with pytest.raises(DataSetError, match=r"is unfinished.*resumes"):
        Store(tmp_path / "data")
    resumed = prepare(pictures, tmp_path / "data", size=36, kind="raw")
    assert len(read) == 12
    whole = prepare(pictures, tmp_path / "whole", size=36, kind="raw")
    assert np.array_equal(resumed.about.train, whole.about.train)
    assert resumed.about.mean == whole.about.mean
    again = prepare(pictures, tmp_path / "data", size=36, kind="raw")
    assert len(read) == 24
    assert again.about.mean == whole.about.mean


def test_resuming_with_other_settings_is_refused(pictures: Path, tmp_path: Path) -> None:
    prepare(pictures, tmp_path / "data", size=36)
    with pytest.raises(DataSetError, match="with size 36; expected the same to resume it. Choose another -o"):
        prepare(pictures, tmp_path / "data", size=40)
    with pytest.raises(DataSetError, match="with --store jpeg"):
        prepare(pictures, tmp_path / "data", size=36, kind="raw")
    with pytest.raises(DataSetError, match="from other pictures or another --validation"):
        prepare(pictures, tmp_path / "data", size=36, validation=0.5)


def test_a_list_names_paths_and_classes(pictures: Path) -> None:
    lines = ["ash/0.png\tone", "", "birch/1,2.png\tone", "cedar/0.png\ttwo words"]
    (pictures / "list.txt").write_text("\n".join(lines))
    expected = [("ash/0.png", "one"), ("birch/1,2.png", "one"), ("cedar/0.png", "two words")]
    assert find_pictures(pictures / "list.txt") == [(pictures / path, name) for path, name in expected]
    (pictures / "list.csv").write_text("ash/0.png,one\nash/1.png, two\n")
    assert [name for _, name in find_pictures(pictures / "list.csv")] == ["one", "two"]
    (pictures / "bad.txt").write_text("ash/0.png\n")
    with pytest.raises(DataSetError, match="line 1 of .* is 'ash/0.png'; expected a path"):
        find_pictures(pictures / "bad.txt")


def test_a_held_out_picture_stays_so_when_others_come(pictures: Path, tmp_path: Path) -> None:
    def held_out(name: str) -> set[str]:
        about = prepare(pictures, tmp_path / name, size=36, validation=0.5).about
        paths = find_pictures(pictures)
        return {paths[number][0].relative_to(pictures).as_posix() for number in about.validation}

    before = held_out("before")
    (pictures / "ash" / "new.png").write_bytes((pictures / "ash" / "0.png").read_bytes())
    assert len(before - held_out("after")) <= 1


def test_what_cannot_be_prepared_is_refused(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"'.*nowhere' do not exist"):
        prepare(tmp_path / "nowhere", tmp_path / "data")
    (pictures / "dogwood").mkdir()
    with pytest.raises(DataSetError, match="class 'dogwood' is empty: .* Put pictures into it, or delete"):
        prepare(pictures, tmp_path / "data")
    with pytest.raises(DataSetError, match="hold 0 classes; expected two or more"):
        prepare(pictures / "ash", tmp_path / "data")
    (tmp_path / "one" / "only").mkdir(parents=True)
    (tmp_path / "one" / "only" / "a.png").touch()
    with pytest.raises(DataSetError, match=r"hold 1 class \(only\); expected two or more"):
        prepare(tmp_path / "one", tmp_path / "data")
    (pictures / "dogwood" / "a.png").touch()
    with pytest.raises(DataSetError, match="class 'dogwood' has 0 sound pictures; expected two"):
        prepare(pictures, tmp_path / "data", size=36)
    with pytest.raises(RecipeError, match="validation is 1;"):
        prepare(pictures, tmp_path / "other", validation=1)
    with pytest.raises(RecipeError, match="size is 8;"):
        prepare(pictures, tmp_path / "other", size=8)
    with pytest.raises(OutputError, match="does not exist"):
        prepare(pictures, tmp_path / "no" / "where")
    with pytest.raises(OutputError, match="lies within the pictures"):
        prepare(pictures, pictures / "data")


@pytest.mark.skipif(os.name != "posix", reason="needs file names that are bytes")
def test_file_names_may_be_any_bytes(pictures: Path, tmp_path: Path) -> None:
    odd = os.fsencode(pictures / "ash") + b"/\xff.png"
    with open(odd, "wb") as file:
        file.write(b"broken")
    (name, _), *rest = prepare(pictures, tmp_path / "data", size=36).broken
    assert (os.fsencode(name), rest) == (b"ash/\xff.png", [])


def test_an_unreadable_data_set_is_refused(data: Path, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"does not exist; .*impasto backbone prepare IMAGES"):
        Store(tmp_path / "nowhere")
    with pytest.raises(DataSetError, match=r"holds no LMDB"):
        Store(pictures)
    whole = (data / "data.mdb").read_bytes()
    (data / "data.mdb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataSetError, match=r"is cut short: expected"):
        Store(data)
    (data / "data.mdb").write_bytes(b"nonsense" * 4096)
    with pytest.raises(DataSetError, match=r"cannot be opened .*; expected an LMDB"):
        Store(data)
    lmdb = import_lmdb()
    foreign = tmp_path / "foreign"
    with lmdb.open(str(foreign)) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"about", json.dumps({"format": "other"}).encode())
    with pytest.raises(DataSetError, match="not one that impasto wrote"):
        Store(foreign)


def test_without_the_extra_its_install_line_is_given(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lmdb", None)
    with pytest.raises(MissingExtraError, match=r'pip install "impasto\[train\]"'):
        Store(data)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_folder_that_cannot_be_written_is_refused(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError):
        prepare(pictures, tmp_path / "locked" / "data")
