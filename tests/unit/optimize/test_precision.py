"""The number format of convolutions and of matrix products."""

import pytest
import torch

from impasto.optimize import precision as module
from impasto.optimize.loop import build_evaluate
from impasto.system.torch_settings import Precision, products_in


def allowed() -> str:
    format: str = torch.backends.mkldnn.matmul.fp32_precision
    return format


@pytest.mark.parametrize(("precision", "expected"), [("bfloat16", "bf16"), ("float32", "")])
def test_an_evaluation_may_multiply_in_its_own_format(precision: Precision, expected: str) -> None:
    seen, before = [], allowed()

    def objective(image: torch.Tensor) -> dict[str, torch.Tensor]:
        image.register_hook(lambda _: seen.append(allowed()))  # the backward pass
        seen.append(allowed())
        return {"total": image.square().sum()}

    build_evaluate(objective, gamut="keep", precision=precision)(torch.rand(1, 3, 4, 4))
    assert seen == [expected or before] * 2
    assert allowed() == before


def test_the_format_is_as_before_after_an_error() -> None:
    before = allowed()
    with pytest.raises(ZeroDivisionError), products_in("bfloat16"):
        raise ZeroDivisionError
    assert allowed() == before


def test_products_of_bfloat16_values_stay_exact_to_float32() -> None:
    rows = torch.rand(64, 4096, generator=torch.Generator().manual_seed(0)).bfloat16().float()
    with products_in("bfloat16"):
        products = rows @ rows.t()
    # Sums of 4096 exact products in float32, in another order.
    torch.testing.assert_close(products.double(), rows.double() @ rows.double().t(), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("amx", "avx", "intel", "expected"),
    [
        *((True, True, intel, True) for intel in (True, False)),
        *((False, True, True, False), (False, True, False, True), (False, False, False, False)),
        (None, None, True, None),
    ],
)
def test_bfloat16_is_chosen_where_it_is_faster(
    amx: bool | None, avx: bool | None, intel: bool, expected: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, answer in (("_is_amx_tile_supported", amx), ("_is_avx512_bf16_supported", avx)):
        if answer is None:
            monkeypatch.delattr(torch.cpu, name, raising=False)
        else:
            monkeypatch.setattr(torch.cpu, name, lambda answer=answer: answer, raising=False)
    monkeypatch.setattr(module, "is_intel", lambda: intel)
    cpu = torch.device("cpu")
    assert module.has_fast_bfloat16(cpu) is expected
    assert module.resolve_precision("auto", cpu) == ("bfloat16" if expected else "float32")
    assert module.resolve_precision("bfloat16", cpu) == "bfloat16"
