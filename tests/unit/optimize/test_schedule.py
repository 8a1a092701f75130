"""A run's plan as it is written into a picture, and read back."""

from typing import Any

import pytest

from impasto.errors import RecipeError
from impasto.optimize.schedule import MemoryPlan, Part, RunPlan

WHOLE = MemoryPlan(tile=None, margin=0, history=20, needed_bytes=0)
TILED = MemoryPlan(tile=128, margin=80, history=5, needed_bytes=0)
PLAN = RunPlan(
    parts=(
        Part(size=(96, 128), steps=20, precision="bfloat16", memory=WHOLE),
        Part(size=(192, 256), steps=10, precision="float32", memory=TILED),
    ),
    threads=2,
)


def test_a_plan_is_read_as_it_was_written() -> None:
    assert RunPlan.from_dict(PLAN.to_dict()) == PLAN
    assert (PLAN.size, PLAN.steps, PLAN.precision) == ((192, 256), 30, "bfloat16")
    assert PLAN.to_dict()["parts"][1] == {
        **{"width": 256, "height": 192, "steps": 10, "precision": "float32"},
        **{"tile": 128, "margin": 80, "history": 5},
    }


PART = PLAN.to_dict()["parts"][1]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"threads": 1, "parts": []},
        {"threads": 0, "parts": [PART]},
        {"threads": 1, "parts": [{}]},
        {"threads": 1, "parts": 3},
        *({"threads": 1, "parts": [{**PART, name: "x"}]} for name in PART),
        {"threads": 1, "parts": [{**PART, "tile": 100}]},
        {"threads": 1, "parts": [{**PART, "steps": 0}]},
    ],
)
def test_a_malformed_plan_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="plan is malformed"):
        RunPlan.from_dict(values)
