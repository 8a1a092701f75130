"""Training recipes: the student's report, the learning rate by step, and values that make no sense."""

import pytest

from impasto.backbone.recipes import PRESETS, TrainingRecipe
from impasto.errors import RecipeError


def test_the_report_recipe_has_the_reports_values() -> None:
    recipe = PRESETS["report-2015"]
    assert (recipe.crop, recipe.optimizer, recipe.learning_rate, recipe.momentum) == (225, "sgd", 0.01, 0.9)
    assert (recipe.init, recipe.precision, recipe.augment) == ("gaussian", "float32", False)
    assert {recipe.rate(step, 100) for step in range(100)} == {0.01}


def test_the_modern_rate_rises_then_falls_along_a_cosine() -> None:
    recipe = PRESETS["modern"]
    rates = [recipe.rate(step, 1000) for step in range(1000)]
    assert rates.index(max(rates)) == 50
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert max(rates) == recipe.learning_rate
    assert rates[525] == pytest.approx(recipe.learning_rate / 2)
    assert rates[-1] < 1e-4 * recipe.learning_rate


def test_changes_leave_the_rest_of_the_preset() -> None:
    recipe = TrainingRecipe.named("modern", {"arch": "vgg13", "epochs": None, "width": 0.5})
    assert (recipe.arch, recipe.width, recipe.epochs) == ("vgg13", 0.5, PRESETS["modern"].epochs)
    architecture = recipe.architecture(7)
    assert (architecture.arch, architecture.classes, architecture.crop) == ("vgg13", 7, 224)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arch": "vgg12"}, "arch is 'vgg12'; expected one of vgg11, vgg13, vgg16, vgg19"),
        ({"width": 0.0}, "width is 0; expected more than 0"),
        ({"width": 9.0}, "width is 9; expected 4 or less"),
        ({"epochs": 0}, "epochs is 0; expected more than 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"crop": 8}, "crop is 8; expected 32 to 1024"),
        ({"precision": "half"}, "precision is 'half'; expected auto"),
    ],
)
def test_values_without_sense_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TrainingRecipe.named("modern", changes)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(RecipeError, match="preset is 'report'; expected one of report-2015, modern"):
        TrainingRecipe.named("report", {})
