"""Names by template: what can be filled in, and what would leave the folder."""

import sys

import pytest

from impasto.batch.naming import NameTemplate, check_name
from impasto.errors import BatchError
from impasto.recipe.recipe import Recipe


def fill(template: str, styles: tuple[str, ...] = ("/b/star.jpg",), **changes: object) -> str:
    return NameTemplate(template).fill("/a/photo.x.png", styles, 7, Recipe(**changes))  # type: ignore[arg-type]


def test_fields() -> None:
    assert fill("{content}_{style}.png") == "photo.x_star.png"
    assert fill("{style}/{content}.jpg", ("a.png", "b.png")) == "a+b/photo.x.jpg"
    assert fill("{index:05d}.png") == "00007.png"
    template, statistic = "{content}_{strength:.2f}_{size}_{statistic}.png", ("covariance", "nearest")
    assert fill(template, strength=0.25, statistic=statistic) == "photo.x_0.25_512_covariance+nearest.png"
    assert fill("{weights}.png", weights="nets/one.pth") == "nets-one.pth.png"


def test_unknown_or_malformed_fields_are_refused() -> None:
    with pytest.raises(BatchError, match="no field 'contnt' to fill") as caught:
        NameTemplate("{contnt}.png")
    assert "content" in caught.value.hint
    for template in ("{content.png", "{}.png", "{content.__class__}.png", "{0}.png"):
        with pytest.raises(BatchError, match="name template"):
            NameTemplate(template)
    with pytest.raises(BatchError, match="cannot be filled"):
        fill("{content:05d}.png")
    with pytest.raises(BatchError, match="cannot be filled"):
        fill("{content_weight:.2f}.png")


def test_an_endless_width_is_refused_before_it_is_written() -> None:
    for template in ("{style:999}.png", "{strength:.9999f}.png"):
        with pytest.raises(BatchError, match="expected a width of at most 255"):
            NameTemplate(template)


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "a/../../b.png", "", "a/", "x" * 256 + ".png"])
def test_a_name_stays_in_the_folder(name: str) -> None:
    with pytest.raises(BatchError, match="it is "):
        check_name(name, "it is")


@pytest.mark.parametrize("name", [r"..\a.png", r"C:\a.png", "C:a.png", "con/a.png", "a/nul.png", "a./b.png"])
def test_a_name_stays_in_the_folder_on_windows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_name(name, "it is") == name
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(BatchError, match="Windows has no files with the "):
        check_name(name, "it is")


def test_values_lose_what_windows_does_not_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fill("{weights}.png", weights="a:b?.pth") == "a:b?.pth.png"
    monkeypatch.setattr(sys, "platform", "win32")
    assert fill("{weights}.png", weights="C:\\nets\\b?.pth") == "C--nets-b-.pth.png"


def test_a_letter_that_no_name_has_is_refused() -> None:
    with pytest.raises(BatchError, match=r"it is '\\ud800\.png'; expected letters that a file's name can have"):
        check_name("\ud800.png", "it is")
