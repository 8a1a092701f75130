"""The card: written once, compared at each resume, and in the network's metadata."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from impasto.errors import CheckpointError, OutputError
from impasto.training.card import CARD_NAME, Card, begin_run, read_card
from impasto.training.peers import Peers

CARD = Card(recipe={"rate": 0.1, "epochs": 3}, data={"size": 64, "names": ["a", "b"]}, precision="float32")

ALONE = Peers(0, 1, torch.device("cpu"))


def test_the_card_of_the_first_start_stays(tmp_path: Path) -> None:
    assert begin_run(tmp_path / "run", CARD, ALONE) == CARD
    assert begin_run(tmp_path / "run", replace(CARD, precision="bfloat16", impasto="99"), ALONE) == CARD
    assert json.loads(read_card(tmp_path / "run").to_metadata()["recipe"]) == CARD.recipe


def test_another_recipe_or_other_data_are_refused(tmp_path: Path) -> None:
    begin_run(tmp_path / "run", CARD, ALONE)
    with pytest.raises(CheckpointError, match=r"rate 0.1; asked for is rate 0.2. Give the same options to resume it"):
        begin_run(tmp_path / "run", replace(CARD, recipe={"rate": 0.2, "epochs": 3}), ALONE)
    with pytest.raises(CheckpointError, match=r"names of 2; asked for is names of 1. Give the same data set"):
        begin_run(tmp_path / "run", replace(CARD, data={"size": 64, "names": ["a"]}), ALONE)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"recipe": 1, "data": {}, "precision": "", "impasto": ""}'])
def test_a_file_that_is_no_card_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / CARD_NAME).write_text(text)
    with pytest.raises(CheckpointError, match=r"run.json' cannot be read .*expected the folder of a training run"):
        begin_run(tmp_path, CARD, ALONE)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        begin_run(tmp_path / "no" / "where", CARD, ALONE)
