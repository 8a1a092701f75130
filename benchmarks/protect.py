"""What `--protect faces` keeps, and what it costs the rest: the astronaut beside paintings, plain and protected.

    python benchmarks/protect.py starry_night.jpg the_scream.jpg --size 512 --preset standard -o out

Structure is the figure `structure` of `impasto compare` (lower is nearer the photograph) of the face's box alone, cut
out of picture and photograph at their own size and enlarged to 512 pixels. Style is the figure `style_gram` of what is
outside the mask of faces: positions count by 1 - mask. Unfair in one thing: positions beside the mask see into it.
Needs the extras `faces` and `demo`.
"""

import argparse
from pathlib import Path

import skimage.data
import torch
from report import write_report
from torch import Tensor
from torch.nn import functional

import impasto
from impasto.experiments.quality import LONG_EDGE, STYLE_METRIC_LAYERS, gram_metric, structure_metric
from impasto.features.encoder import build_encoder
from impasto.features.guides import resize_guide
from impasto.features.receptive_field import stride_of
from impasto.features.vgg import Vgg
from impasto.images.faces import Box, find_faces, mask_faces
from impasto.images.io import read_image, write_image
from impasto.images.resize import fit_long_edge, resize_image


def structure(encoder: Vgg, pastiche: Tensor, photograph: Tensor, box: Box, long_edge: int | None) -> float:
    left, top, width, height = box
    parts = [image[..., top : top + height, left : left + width] for image in (pastiche, photograph)]
    if long_edge is not None:
        parts = [resize_image(part, fit_long_edge(height, width, long_edge)) for part in parts]
    return structure_metric(encoder, *parts)


def style(encoder: Vgg, pastiche: Tensor, painting: Tensor, mask: Tensor) -> float:
    found = []
    for share in (1.0, 0.5):
        size = [round(share * side) for side in pastiche.shape[-2:]]
        fitted = fit_long_edge(painting.shape[-2], painting.shape[-1], max(size))
        images = resize_image(pastiche, (size[0], size[1])), resize_image(painting, fitted)
        outside = 1 - resize_guide(mask, (size[0], size[1]))
        with torch.no_grad():
            ours, theirs = (encoder(image, STYLE_METRIC_LAYERS) for image in images)
        for layer in STYLE_METRIC_LAYERS:
            counts = functional.avg_pool2d(outside, stride_of(layer))
            found.append(gram_metric(ours[layer] * (counts / counts.mean()).sqrt(), theirs[layer]))
    return sum(found) / len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paintings", nargs="+", type=Path)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--preset", default="draft")
    parser.add_argument("--strengths", type=float, nargs="+", default=[impasto.Recipe().protect_strength])
    parser.add_argument("-o", "--output", type=Path, default=Path("protect"))
    given = parser.parse_args()
    given.output.mkdir(exist_ok=True)
    encoder = build_encoder(impasto.Recipe())[0]
    astronaut = skimage.data.astronaut()
    photograph = resize_image(read_image(astronaut), (given.size, given.size))
    box, *_ = find_faces(photograph)
    mask = mask_faces([box], (given.size, given.size))
    rows = []
    print("painting              strength   face   face at 512   rest (style)   seconds")
    for path in given.paintings:
        for strength in (None, *given.strengths):
            recipe = impasto.Recipe.preset(given.preset, size=given.size)
            if strength is None:
                result = impasto.stylize(astronaut, path, recipe)
            else:
                recipe = recipe.replace(protect_strength=strength)
                result = impasto.stylize(astronaut, path, recipe, protect="faces")
            figures = {
                "face": structure(encoder, result.pastiche, photograph, box, None),
                "face_at_512": structure(encoder, result.pastiche, photograph, box, LONG_EDGE),
                "rest": style(encoder, result.pastiche, read_image(path), mask),
            }
            print(
                f"{path.stem:20} {'plain' if strength is None else strength:>9}   {figures['face']:.4f}   "
                f"{figures['face_at_512']:.4f}        {figures['rest']:.4f}         {result.seconds:.0f}",
                flush=True,
            )
            rows.append({"painting": path.name, "strength": strength, "seconds": result.seconds, **figures})
            name = "plain" if strength is None else f"protected_{strength:g}"
            write_image(result.pastiche, given.output / f"{path.stem}_{name}.png")
    write_report("protect", {"size": given.size, "preset": given.preset, "rows": rows}, seed=recipe.seed)


if __name__ == "__main__":
    main()
