"""Lists of jobs: what a row may say, and mistakes by their row."""

import json
from pathlib import Path

import pytest

from impasto.batch.joblist import JobList
from impasto.batch.naming import NameTemplate
from impasto.errors import BatchError
from impasto.recipe.recipe import Recipe

HEAD = "content;style;strength"
TEMPLATE = NameTemplate("{content}_{style}.png")


def read(path: Path, text: str, **changes: object) -> JobList:
    path.write_text(text, "utf-8")
    return JobList(path, TEMPLATE, Recipe(steps=9, **changes))  # type: ignore[arg-type]


def test_a_csv_list(tmp_path: Path) -> None:
    head = "\ufeffcontent,style,output,strength,style_blend\n"
    text = f'{head}a.jpg, b.jpg ,,,\n\n/c.jpg,b.jpg;d.jpg,x/y.png,0.25,"1,3"\n'
    first, second = read(tmp_path / "list.csv", text)
    assert (first.content, first.styles) == (f"{tmp_path}/a.jpg", (f"{tmp_path}/b.jpg",))
    assert first.output == "a_b.png" and first.recipe == Recipe(steps=9)
    assert (second.content, second.output) == ("/c.jpg", "x/y.png")
    assert second.styles == (f"{tmp_path}/b.jpg", f"{tmp_path}/d.jpg")
    assert second.recipe == Recipe(steps=9, strength=0.25, style_blend=(1.0, 3.0))


@pytest.mark.parametrize("head", [HEAD, f"sep=;\n{HEAD}", HEAD.replace(";", "\t")])
def test_a_list_of_another_program(head: str, tmp_path: Path) -> None:
    separator = "\t" if "\t" in head else ";"
    row = separator.join(["a.jpg", '"b.jpg;c.jpg"', "0.5"])
    (job,) = read(tmp_path / "list.csv", f"\ufeff{head}\r\n{row}\r\n")
    assert job.content == f"{tmp_path}/a.jpg" and job.styles == (f"{tmp_path}/b.jpg", f"{tmp_path}/c.jpg")
    assert job.recipe.strength == 0.5


def test_a_path_with_backslashes(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(BatchError, match=r"row 2 names .*cat.jpg', which does not exist") as caught:
        list(read(tmp_path / "list.csv", "content,style\nphotos\\cat.jpg,b.jpg\n"))
    assert f"Did you mean '{tmp_path}/photos/cat.jpg'?" in caught.value.hint


def test_a_list_of_json_lines(tmp_path: Path) -> None:
    rows = [
        {"content": "a.jpg", "style": ["b.jpg", "c;d.jpg"], "style_layers": ["conv1_1"], "strength": None},
        {"content": "a.jpg", "style": "b.jpg", "content_weight": 2, "output": "z.png"},
    ]
    first, second = read(tmp_path / "list.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    assert first.styles == (f"{tmp_path}/b.jpg", f"{tmp_path}/c;d.jpg")
    assert (first.output, first.recipe) == ("a_b+c;d.png", Recipe(steps=9, style_layers=("conv1_1",)))
    assert second.recipe.content_weight == 2.0 and second.recipe.strength is None


def test_fields_of_inputs_that_a_row_cannot_have_stay_unused(tmp_path: Path) -> None:
    head = "content,style,guide_mode,only_feather,protect_strength,fine_layers,frames"
    (job,) = read(tmp_path / "list.csv", f"{head}\na.jpg,b.jpg,simple,9,2,conv1_1,1\n")
    assert (job.recipe.guide_mode, job.recipe.only_feather, job.recipe.frames) == ("simple", 9, 1)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("l.csv", "content,strength\na,1\n", "row 1 has no 'style'"),
        ("l.csv", "content,style,strenght\na,b,1\n", "row 1 has 'strenght'.*Did you mean 'strength'"),
        ("l.csv", "content,style,style\na,b,c\n", "row 1 names a column twice"),
        ("l.csv", "content,style,strength\na,b,0.5\na,b,7\n", "row 3: strength is 7"),
        ("l.csv", "content,style,steps\na,b,many\n", "row 2: steps is 'many'"),
        ("l.csv", "content,style,frames\na,b,1\na,b,8\n", "row 3: frames is 8; expected 1.*stylize --frames"),
        ("l.csv", 'content,style,region_weights\na,b,"1,2"\n', "row 2: region_weights is 1,2.*--content-mask"),
        ("l.csv", "content,style,region_statistics\na,b,gram\n", "row 2: region_statistics is gram, and a batch"),
        ("l.jsonl", '{"content": "a", "style": "b", "size": [64, 48]}', "row 1: size is the list.* \"64x48\""),
        ("l.csv", "content,style\na,b\n,b\n", "row 3 lacks a content or style"),
        ("l.csv", "content,style\na,b\na\n", "row 3 lacks a content or style"),
        ("l.csv", "content,style\na,b;;c\n", "row 2 lacks a content or style"),
        ("l.csv", "content,style\na,b,c\n", "row 2 has 3 cells; expected 2"),
        ("l.csv", "content,style,output\na,b,../c.png\n", "row 2: output is '../c.png'"),
        ("l.csv", "content,style,output\na,b,a.png\na,b,x.gif\n", "row 3: output 'x.gif' has the unknown suffix"),
        ("l.csv", "content,style,output,depth\na,b,a.png,\na,b,x.jpg,16\n", "row 3: output 'x.jpg' cannot hold"),
        ("l.csv", "content,style,weights\na,b,missing.pth\na,b,\n", "row 2 has the weights 'missing.pth'"),
        ("l.csv", "content,style,weights\na,b,\na,b,missing.pth\n", "row 3 has the weights 'missing.pth'"),
        ("l.csv", "sep=;\ncontent;style;strength\na;b;7\n", "row 3: strength is 7"),
        ("l.csv", "content,style\n", "has no row"),
        ("l.csv", "", "row 1 has no 'content'"),
        ("l.jsonl", '{"content": "a", "style": "b"}\n{"content": "a"}\n', "row 2 has no 'style'"),
        ("l.jsonl", '{"content": "a", "style": []}\n', "row 1 lacks a content or style"),
        ("l.jsonl", '{"content": "a", "style": 3}\n', "row 1 lacks a content or style"),
        ("l.jsonl", '{"content": "a", "style": "b", "steps": "9"}\n', "row 1: steps is '9'"),
        ("l.jsonl", '{"content": "a", "style": "b", "nonsense": 1}\n', "row 1 has 'nonsense'"),
        ("l.jsonl", '{"content": "a"\n', "row 1 is not JSON"),
        ("l.jsonl", "[" * 100_000, "row 1 is not JSON"),
        ("l.jsonl", "[1]\n", "row 1 is no object"),
        ("l.jsonl", "\n", "has no row"),
    ],
)
def test_a_mistake_is_reported_with_its_row(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BatchError, match=f"list .*{message}"):
        list(read(tmp_path / name, text))


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match=r"expected \.csv or \.jsonl"):
        JobList(tmp_path / "list.txt", TEMPLATE, Recipe())
    with pytest.raises(BatchError, match="cannot be read"):
        list(JobList(tmp_path / "list.csv", TEMPLATE, Recipe()))
    (tmp_path / "list.csv").write_bytes(b"content,style\n\xff\xfe,b\n")
    with pytest.raises(BatchError, match="UTF-8"):
        list(JobList(tmp_path / "list.csv", TEMPLATE, Recipe()))


def test_addresses_are_refused_and_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BatchError, match="row 2 names 'https://example.org/a.jpg'; expected a file") as caught:
        [*read(tmp_path / "list.csv", "content,style\nhttps://example.org/a.jpg,b.jpg\n")]
    assert "download it first" in caught.value.hint
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (job,) = read(tmp_path / "list.csv", "content,style,size\n~/a.jpg,b.jpg,content\n")
    assert job.content == f"{tmp_path}/home/a.jpg" and job.recipe.size == "content"
