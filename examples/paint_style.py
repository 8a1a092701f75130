"""Paint the style picture of the offline demo: an oil landscape at dusk, built stroke by stroke.

    python examples/paint_style.py OUT [--seed 0] [--size 768x576]

A flow field bends the sky around a low sun and a few vortices, the river lies flat under it, and the field fans out
from the horizon. Strokes of falling size follow that flow, each a ribbon of bristles that leaves colour and relief.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.floating]
Points = NDArray[np.complex128]  # x + iy, so that a flow is a step to add and a quarter turn is i
Indices = NDArray[np.int64]

SKY, FAR_HILLS, NEAR_HILLS, RIVER, FIELD = range(5)
# Each palette runs from shadow to light; a stroke takes its two paints from neighbouring places on it.
PALETTES = {
    SKY: "0b1640 14246b 1b3f94 1f6a9e 2a93a0 7fbfae efe0b0 f0b648",
    FAR_HILLS: "191a4e 2b2c74 4a3f8c 5a62a8 d98a6a",
    NEAR_HILLS: "071c2e 0c3440 10494f 1f6b62 4f9a6c d9a441",
    RIVER: "0d1f52 15407f 1c7590 5fb3ac f2d58a f49a3a",
    FIELD: "17404e 6a2c18 b4561b d8841f ebaa38 f4cb68 f9ebbd",
}
GLOW = "fff4cc fbe08a f7b63c ee8226 d3502a f0b648 e8ddb0 2a93a0"  # from the middle of the sun outwards

# Places are in units of the picture's height, from its upper left corner.
HORIZON = 0.66
SUN = (1.0, 0.47)
# Centre, radius and signed strength; the still points between a whirl and the wind fall off the top or behind hills.
VORTICES = ((*SUN, 0.25, 1.0), (0.42, 0.21, 0.22, -1.15), (0.80, 0.04, 0.12, -0.9), (0.11, 0.53, 0.16, 1.0))

# Spacing, length and half width of a layer's strokes in 1/576 of the height; how thick and how varied their paint is.
LAYERS = ((18, 110, 19, 0.6, 0.05), (13, 88, 10.5, 1.0, 0.09), (14, 64, 6.5, 1.3, 0.14), (19, 44, 3.4, 1.8, 0.22))


class Scene(NamedTuple):
    """The plan under the paint: region, unit flow, tone, and distance from the sun, for every pixel."""

    region: Indices
    flow: Points
    tone: Array
    glow: Array


def pick(palette: str, place: Array | float) -> Array:
    """Mix the colour at each place in 0..1 along a palette of hex colours."""
    paints = np.array([list(bytes.fromhex(paint)) for paint in palette.split()]) / 255
    return np.stack([np.interp(place, np.linspace(0, 1, len(paints)), channel) for channel in paints.T], -1)


def pixels(points: Points, shape: tuple[int, ...]) -> tuple[Indices, Indices]:
    """Turn points into row and column indices, held inside the picture."""
    return np.clip(points.imag, 0, shape[0] - 1).astype(int), np.clip(points.real, 0, shape[1] - 1).astype(int)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma_y: float, sigma_x: float) -> Array:
    """Blur white noise with a Gaussian that wraps round, and scale it to unit deviation."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    kernel = np.exp(-2 * np.pi**2 * ((fy * sigma_y) ** 2 + (fx * sigma_x) ** 2))
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * kernel, shape)
    return (noise / noise.std()).astype(np.float32)


def sky_flow(place: Points) -> Points:
    """Blow a waving wind that each vortex takes over near its centre, with some inflow to make spirals."""
    flow = 1 + 0.45j * np.cos(4.2 * place.real + 5 * place.imag)
    for x, y, radius, strength in VORTICES:
        arm = place - complex(x, y) + 1e-6
        flow += 3.2 * np.exp(-((abs(arm) / radius) ** 2)) * (1j * strength - 0.28) * arm / abs(arm)
    return flow


def streaks(rng: np.random.Generator, flow: Points, sigma: float, steps: int) -> Array:
    """Average noise along the flow, so that light and dark run in bands with it."""
    noise = smooth_noise(rng, flow.shape, sigma, sigma)
    rows, columns = np.indices(flow.shape)
    total = np.zeros_like(noise)
    for direction in (-flow, flow):
        points = columns + 1j * rows
        for _ in range(steps):
            spot = pixels(points, flow.shape)
            total += noise[spot]
            points += direction[spot]
    return total / total.std()


def plan_scene(rng: np.random.Generator, width: int, height: int) -> Scene:
    """Lay out regions, flow and light before any paint goes down."""
    y, x = np.indices((height, width), np.float32) / height
    far = HORIZON - 0.085 + 0.03 * np.sin(5.5 * x + 1) + 0.014 * np.sin(13 * x)
    crowns = np.abs(np.sin(17 * x + np.sin(5 * x))) * np.clip(1.1 - 1.3 * x, 0.15, 1)
    near = HORIZON + 0.03 * np.sin(3.6 * x + 3.2) - 0.055 * crowns
    depth = np.clip((y - HORIZON) / (1 - HORIZON), 0, 1)
    off_river = x - (SUN[0] - 0.28 * depth + 0.12 * np.sin(6.5 * depth))
    river = (abs(off_river) < 0.035 + 0.21 * depth**1.3) & (y > HORIZON)
    borders = [river, y > HORIZON + 0.03 + 0.02 * np.sin(7 * x + 2), y > near, y > far]
    region = np.select(borders, [RIVER, FIELD, NEAR_HILLS, FAR_HILLS], SKY)

    fan = x - 0.62 + 1j * (y - HORIZON + 0.14)
    field = fan + 0.3 * np.sin(9 * y + 4 * x) * depth
    slopes = (0.165 * np.cos(5.5 * x + 1) + 0.25, np.gradient(near, axis=1) * height, 0.1 * np.sin(30 * y + 6 * x))
    flow = np.choose(region, [sky_flow(x + 1j * y), *(1 + 1j * slope for slope in slopes), field])
    flow /= abs(flow) + 1e-9
    from_sun = np.hypot(x - SUN[0], y - SUN[1])
    whirls = sum(np.exp(-((np.hypot(x - cx, y - cy) / r) ** 2)) for cx, cy, r, _ in VORTICES[1:])
    furrows = 0.13 * np.sin(34 * np.angle(fan) + 3 * np.sin(9 * y))
    sparkle = 0.4 * np.exp(-((off_river / 0.07) ** 2))
    tone = np.choose(region, [0.30 + 0.2 * whirls, 0.4, 0.4, 0.34 + sparkle, 0.5 + furrows])
    tone += 0.19 * streaks(rng, flow, height / 60, height // 8) + 0.16 * np.exp(-((from_sun / 0.42) ** 2))
    return Scene(region, flow, tone, np.where(region == SKY, from_sun / 0.22, np.inf))


def trace(scene: Scene, starts: Points, length: Array, knots: int = 20) -> Points:
    """Follow the flow both ways from each start; a path that would leave its region stops at the border."""
    shape = scene.region.shape
    home = scene.region[pixels(starts, shape)]
    heads = [np.stack([starts, starts])]
    step, moving = np.outer((-1, 1), length / (2 * knots)), np.full((2, len(starts)), True)
    for _ in range(knots):
        ahead = heads[-1] + step * scene.flow[pixels(heads[-1], shape)]
        moving = moving & (scene.region[pixels(ahead, shape)] == home)
        heads.append(np.where(moving, ahead, heads[-1]))
    back, forth = np.stack(heads, -1)
    return np.hstack([back[:, :0:-1], forth])


class Canvas:
    """Colour and thickness of the paint on a dark warm ground, at twice the size of the picture."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        self.colour = np.full((height, width, 3), pick("5a3018", 0), np.float32)
        self.height = np.zeros((height, width), np.float32)
        self.bristles = smooth_noise(rng, (height // 2, 2 * height), 1.7, 60)
        self.mixing = smooth_noise(rng, (height // 2, 2 * height), 2.4, 90)

    def stroke(self, rng: np.random.Generator, path: Points, half_width: float, paints: Array, load: float) -> None:
        """Drag a brush along a path: bristles streak the two paints, pile them up and run dry."""
        run = np.r_[0, np.cumsum(abs(np.diff(path)))]
        if run[-1] < 2.2 * half_width:
            return
        s = np.arange(0, run[-1], 0.7, np.float32)
        t = np.linspace(-1, 1, max(5, int(3 * half_width)), dtype=np.float32)[:, None]
        spine = np.interp(s, run, path)
        tangent = np.gradient(spine)
        along = s / run[-1]
        caps = np.clip(1 - s / half_width, 0, 1) ** 2 + np.clip(1 - (run[-1] - s) / (1.6 * half_width), 0, 1) ** 2
        swell = half_width * np.sqrt(np.clip(1 - caps, 0.05, 1)) * (1 - 0.2 * along)
        ribbon = spine + 1j * tangent / abs(tangent) * swell * t
        row, column = rng.integers(np.array(self.bristles.shape) - (len(t), len(s)))
        patch = np.s_[row : row + len(t), column : column + len(s)]
        bristle, mix = self.bristles[patch], np.clip(0.3 + 0.5 * self.mixing[patch], 0, 1)
        cover = np.clip(4 * (1.1 - t**4 - 1.1 * along**5) + 1.1 * bristle + 0.5 * bristle[:, :1], 0, 1)
        colour = (paints[0] + mix[..., None] * (paints[1] - paints[0])) * (1 + 0.1 * bristle)[..., None]
        edge = 0.5 * np.exp(-(((np.abs(t) - 0.8) / 0.15) ** 2))
        body = load * (np.sqrt(1 - 0.8 * t**2) + 0.28 * bristle + edge) * (1 + 0.5 * along**6)

        rows, columns = pixels(ribbon, self.height.shape)
        wet = abs(ribbon - (columns + 1j * rows)) < 1.5  # paint past the edge of the canvas is lost
        spot, cover = (rows[wet], columns[wet]), cover[wet]
        self.colour[spot] += cover[:, None] * (colour[wet] - self.colour[spot])
        self.height[spot] += cover * (body[wet] - 0.45 * self.height[spot])

    def lit(self) -> Array:
        """Light the relief and a faint weave from the upper left, with gloss on the ridges."""
        rows, columns = np.indices(self.height.shape, np.float32)
        down, right = np.gradient(self.height + 0.1 * np.sin(rows * np.pi / 3) * np.sin(columns * np.pi / 3))
        slope = 1.2 * right + 1.44 * down
        shade, gloss = 1 + 0.4 * np.tanh(slope), 0.16 * np.clip(slope - 0.5, 0, 1)
        return np.clip(self.colour * shade[..., None] + gloss[..., None], 0, 1)


def paint_layer(rng: np.random.Generator, canvas: Canvas, scene: Scene, layer: tuple[float, ...]) -> None:
    """Cover the picture with strokes on a jittered grid, in random order, larger away from the horizon."""
    height, width = scene.region.shape
    spacing, length, half_width, load, spread = layer
    unit = height / 576
    gap = spacing * unit
    grid = np.mgrid[0:height:gap, 0:width:gap]
    grid += rng.uniform(0, gap, grid.shape)
    starts = rng.permutation((grid[1] + 1j * grid[0]).ravel())
    spots = pixels(starts, scene.region.shape)
    region, tone, glow = scene.region[spots], scene.tone[spots], scene.glow[spots]
    reach = unit * (0.75 + 1.3 * np.abs(starts.imag / height - HORIZON))
    lengths = length * reach * rng.uniform(0.7, 1.3, len(starts)) * np.where(region == FIELD, 0.65, 1)
    paths = 2 * trace(scene, starts, lengths)
    for i, path in enumerate(paths):
        if glow[i] < 1 + rng.normal(0, 0.15):
            paints = pick(GLOW, glow[i] + rng.normal(0, 0.12, 2))
        else:
            paints = pick(PALETTES[region[i]], tone[i] + rng.normal(0, spread) + rng.normal(0, (0, 0.1)))
        canvas.stroke(rng, path, 2 * half_width * reach[i] * rng.uniform(0.75, 1.25), paints, load)


def main() -> None:
    """Read the command line, paint and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="768x576", help="WIDTHxHEIGHT in pixels")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    rng = np.random.default_rng(args.seed)
    scene = plan_scene(rng, width, height)
    canvas = Canvas(rng, 2 * width, 2 * height)
    for layer in LAYERS:
        paint_layer(rng, canvas, scene, layer)
    picture = Image.fromarray(np.uint8(255 * canvas.lit()))
    picture.resize((width, height), Image.Resampling.LANCZOS).save(args.out, quality=88)


if __name__ == "__main__":
    main()
