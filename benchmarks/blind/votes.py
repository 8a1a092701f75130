"""Record blind readings, open the key, and fit strengths to the votes.

    python benchmarks/blind/votes.py add ROUND READER ANSWERS.txt
    python benchmarks/blind/votes.py fit [ROUND ...] [--question overall]

ANSWERS.txt has a line a sheet and question, best first, `=` between equals: `town-starry | overall | B A=C | reason`.
Votes are kept with the names behind the letters, in votes.jsonl, one line an answer. `fit` prints for each question the
Bradley-Terry strengths (Bradley and Terry 1952: name i is preferred to j with probability p_i / (p_i + p_j)), as
logarithms with 90 % intervals from a bootstrap over sheets, and for each two names the share of readings won, equals
counted half, and the pairs that one lost in all readings.
"""

import argparse
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from pairs import FOLDER

VOTES = FOLDER / "votes.jsonl"
QUESTIONS = ("overall", "strokes", "colors", "drawing", "ghosts", "grain")
RESAMPLES = 200

Vote = dict[str, Any]
"""round, reader, pair, question, ranking (lists of equal names, best first), reason."""


def parse_answer(line: str, key: dict[str, dict[str, str]]) -> Vote:
    """Return the vote of an answer's line, with names for letters. Raises ValueError."""
    pair, question, order, reason = (part.strip() for part in (line.split("|", 3) + [""] * 3)[:4])
    letters = key.get(pair)
    if letters is None or question not in QUESTIONS:
        raise ValueError(f"{line!r} names no sheet of this round or no question; expected {', '.join(QUESTIONS)}.")
    ranking = [list(group.split("=")) for group in order.split()]
    found = [letter for group in ranking for letter in group]
    if sorted(found) != sorted(letters):
        raise ValueError(f"{line!r} orders {''.join(found)}; expected each of {''.join(letters)} once.")
    names = [[letters[letter] for letter in group] for group in ranking]
    return {"pair": pair, "question": question, "ranking": names, "reason": reason}


def list_duels(votes: Iterable[Vote]) -> list[tuple[str, str, str, float]]:
    """Return every duel of every vote: (pair, name, other name, points of the first: 1, 0 or 1/2)."""
    duels = []
    for vote in votes:
        places = {name: place for place, group in enumerate(vote["ranking"]) for name in group}
        for a, b in combinations(sorted(places), 2):
            points = 0.5 if places[a] == places[b] else float(places[a] < places[b])
            duels.append((vote["pair"], a, b, points))
    return duels


def fit_strengths(duels: Sequence[tuple[str, str, str, float]], rounds: int = 200) -> dict[str, float]:
    """Return log p by name, of mean 0 (Hunter 2004, MM), with half a win of each over each as a prior."""
    won: dict[str, float] = defaultdict(float)
    met: dict[tuple[str, str], float] = defaultdict(float)
    for _, a, b, points in duels:
        won[a] += points
        won[b] += 1 - points
        met[a, b] += 1
    names = sorted(won)
    for a, b in combinations(names, 2):
        met[a, b] += 1
        won[a] += 0.5
        won[b] += 0.5
    strength = dict.fromkeys(names, 1.0)
    for _ in range(rounds):
        news = {
            name: won[name]
            / sum(met[a, b] / (strength[a] + strength[b]) for a, b in combinations(names, 2) if name in (a, b))
            for name in names
        }
        mean = math.exp(sum(math.log(value) for value in news.values()) / len(news))
        strength = {name: value / mean for name, value in news.items()}
    return {name: math.log(value) for name, value in strength.items()}


def bootstrap(duels: Sequence[tuple[str, str, str, float]], seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return the 5th and 95th percentile of each strength over resamples of the sheets."""
    draw = random.Random(seed)
    by_pair: dict[str, list[tuple[str, str, str, float]]] = defaultdict(list)
    for duel in duels:
        by_pair[duel[0]].append(duel)
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(RESAMPLES):
        sample = [duel for pair in draw.choices(sorted(by_pair), k=len(by_pair)) for duel in by_pair[pair]]
        for name, value in fit_strengths(sample, 50).items():
            found[name].append(value)
    cuts = {name: sorted(values) for name, values in found.items()}
    return {name: (values[len(values) // 20], values[-1 - len(values) // 20]) for name, values in cuts.items()}


def read_votes(rounds: Sequence[str]) -> list[Vote]:
    """Return the recorded votes of the rounds; of all, if none is named."""
    lines = VOTES.read_text(encoding="utf-8").splitlines() if VOTES.exists() else []
    return [vote for vote in map(json.loads, lines) if not rounds or vote["round"] in rounds]


def print_fit(question: str, votes: Sequence[Vote]) -> None:
    duels = list_duels(votes)
    strengths, spans = fit_strengths(duels), bootstrap(duels)
    print(f"\n{question}: {len(votes)} readings of {len({vote['pair'] for vote in votes})} sheets")
    for name in sorted(strengths, key=lambda name: -strengths[name]):
        print(f"  {name:20} {strengths[name]:+.2f}  ({spans[name][0]:+.2f} to {spans[name][1]:+.2f})")
    for a, b in combinations(sorted(strengths), 2):
        met = [(pair, points) for pair, x, y, points in duels if (x, y) == (a, b)]
        by_pair: dict[str, list[float]] = defaultdict(list)
        for pair, points in met:
            by_pair[pair].append(points)
        lost = {who: [p for p, all_ in by_pair.items() if set(all_) == {v}] for who, v in ((a, 0.0), (b, 1.0))}
        if met:
            share = sum(points for _, points in met) / len(met)
            print(f"  {a} before {b}: {share:.0%} of {len(met)}; lost in all readings: {lost[a]} / {lost[b]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add")
    add.add_argument("round")
    add.add_argument("reader")
    add.add_argument("answers", type=Path)
    fit = commands.add_parser("fit")
    fit.add_argument("rounds", nargs="*")
    fit.add_argument("--question", choices=QUESTIONS)
    given = parser.parse_args()
    if given.command == "add":
        key = json.loads((FOLDER / "keys" / f"{given.round}.json").read_text(encoding="utf-8"))
        lines = [line for line in given.answers.read_text(encoding="utf-8").splitlines() if line.count("|") >= 2]
        votes = [{"round": given.round, "reader": given.reader, **parse_answer(line, key)} for line in lines]
        with VOTES.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(vote) + "\n" for vote in votes)
        print(f"{len(votes)} votes of {given.reader}")
        return
    votes = read_votes(given.rounds)
    for question in [given.question] if given.question else QUESTIONS:
        if asked := [vote for vote in votes if vote["question"] == question]:
            print_fit(question, asked)


if __name__ == "__main__":
    main()
