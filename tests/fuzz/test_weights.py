"""Damaged weights files of every container are read, or refused by an error of ours."""

from pathlib import Path
from random import Random

import pytest
from fuzzing import fuzz, mutate_bytes, survive
from written_weights import narrow, suffixed, write, write_matconvnet

from impasto.features.containers.kinds import CONTAINERS
from impasto.features.weights import read_weights


@pytest.fixture(scope="module", params=[*CONTAINERS, "matconvnet-oldest"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound file."""
    folder = tmp_path_factory.mktemp("weights")
    if request.param == "matconvnet-oldest":
        path = folder / "oldest.mat"
        write_matconvnet(narrow(), path, oldest=True)
        return path
    return write(narrow(), request.param, suffixed(folder, request.param))


@fuzz(200)
def test_a_damaged_weights_file(sound: Path, random: Random) -> None:
    damaged = sound.with_stem("damaged")
    damaged.write_bytes(mutate_bytes(random, sound.read_bytes()))
    preprocessing = random.choice(("auto", "oxford"))
    survive(lambda: read_weights(damaged, preprocessing=preprocessing, classifier=random.random() < 0.5))
