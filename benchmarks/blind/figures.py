"""How well the figures of `impasto compare` order the painted pairs, beside the blind readings.

    python benchmarks/blind/figures.py DATA [ROUND ...] [--question overall]

For each two pictures of one pair that a reading placed, a figure agrees or does not. A line a figure: the mean over
pairs of its rank correlation with the readings, agreements less disagreements over all, from -1 to 1 (Kendall 1938),
with the pairs on which it is above 0. The same for the sum of two figures, each divided by its deviation over all
pictures. `left out`: each pair is judged by the one that is best on all other pairs. Lower is better for all figures
but ssim. Only pictures that are in pictures/ take part.
"""

import argparse
import dataclasses
import json
import statistics
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations, product
from pathlib import Path

import torch
from pairs import PICTURES, read_pairs
from votes import VOTES

from impasto.experiments.compare import QUALITY_NETWORK
from impasto.experiments.quality import measure_quality
from impasto.features.encoder import build_encoder
from impasto.images.io import read_image

Figures = dict[str, float]
"""Figures by name, each lower for a better picture."""


def measure_pictures(data: Path, wanted: Mapping[str, set[str]]) -> dict[tuple[str, str], Figures]:
    """Return the figures of each picture, by pair and by name. wanted: names by pair."""
    found = {}
    device = torch.device("cpu")
    with torch.no_grad():
        encoder, _ = build_encoder(QUALITY_NETWORK, device)
        for pair in read_pairs(data):
            for name in sorted(wanted.get(pair.name, ())):
                path = PICTURES / name / f"{pair.name}.jpg"
                if path.exists():
                    images = [read_image(source) for source in (pair.content, pair.style, path)]
                    figures = dataclasses.asdict(measure_quality(encoder, *images))
                    figures["ssim"] *= -1
                    found[pair.name, name] = figures
    return found


def add_sums(found: dict[tuple[str, str], Figures]) -> None:
    """Add the sum of each two figures, each divided by its deviation over all pictures."""
    names = sorted(next(iter(found.values())))
    spread = {name: statistics.pstdev(figures[name] for figures in found.values()) for name in names}
    for figures in found.values():
        for first, second in combinations(names, 2):
            figures[f"{first} + {second}"] = figures[first] / spread[first] + figures[second] / spread[second]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("rounds", nargs="*", help="default: all")
    parser.add_argument("--question", default="overall")
    given = parser.parse_args()
    votes = [json.loads(line) for line in VOTES.read_text(encoding="utf-8").splitlines()]
    votes = [
        vote
        for vote in votes
        if vote["question"] == given.question and (not given.rounds or vote["round"] in given.rounds)
    ]
    wanted = defaultdict(set)
    for vote in votes:
        wanted[vote["pair"]].update(name for group in vote["ranking"] for name in group)
    found = measure_pictures(given.data, wanted)
    add_sums(found)
    agreed: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for vote in votes:
        pair = vote["pair"]
        placed = [[found[pair, name] for name in group if (pair, name) in found] for group in vote["ranking"]]
        for better, worse in combinations(placed, 2):
            for first, second in product(better, worse):
                for name in first:
                    agreed[name][pair].append(1 if first[name] < second[name] else -1)
    correlations = {
        name: {pair: statistics.mean(signs) for pair, signs in pairs.items()} for name, pairs in agreed.items()
    }
    best = sorted(correlations, key=lambda name: -statistics.mean(correlations[name].values()))
    singles = [name for name in best if "+" not in name]
    for name in [*singles, *[name for name in best if "+" in name][:8]]:
        values = correlations[name].values()
        print(f"{name:40}{statistics.mean(values):+7.2f}{sum(value > 0 for value in values):6} of {len(values)} pairs")
    for title, names in (("one figure", singles), ("one or two", best)):
        judged = []
        for pair in correlations[best[0]]:
            chosen = max(
                names, key=lambda name: statistics.mean(v for other, v in correlations[name].items() if other != pair)
            )
            judged.append(correlations[chosen][pair])
        print(f"{'left out, ' + title:40}{statistics.mean(judged):+7.2f}")


if __name__ == "__main__":
    main()
