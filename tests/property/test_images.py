"""Laws of images: files give back what they got, sizes keep the aspect, flat stays flat."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from impasto.images.color.named import parse_color
from impasto.images.io import read_image, read_metadata, write_image
from impasto.images.resize import fit_long_edge, fit_pixels, resize_image

sides = st.integers(1, 20_000)
pictures = st_numpy.arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 8), st.just(3)))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(picture=pictures, suffix=st.sampled_from([".png", ".tif"]))
def test_an_8_bit_picture_survives_write_and_read(picture, suffix):
    image = read_image(picture)
    with tempfile.TemporaryDirectory() as folder:
        write_image(image, Path(folder) / f"a{suffix}")
        again = read_image(Path(folder) / f"a{suffix}")
    assert torch.equal(again, image)
    assert np.array_equal((again[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy(), picture)


@settings(max_examples=30, deadline=None)
@given(
    metadata=st.dictionaries(st.text(), json_values, max_size=4),
    suffix=st.sampled_from([".png", ".jpg", ".webp", ".tif"]),
)
def test_any_metadata_survive_write_and_read(metadata, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        write_image(torch.zeros(1, 3, 2, 2), path, metadata=metadata)
        assert read_metadata(path) == metadata


@given(height=sides, width=sides, long_edge=st.integers(1, 20_000))
def test_fit_long_edge_keeps_the_aspect_within_a_pixel(height, width, long_edge):
    fitted_height, fitted_width = fit_long_edge(height, width, long_edge)
    assert max(fitted_height, fitted_width) == long_edge and min(fitted_height, fitted_width) >= 1
    factor = long_edge / max(height, width)
    assert abs(fitted_height - factor * height) <= 1 and abs(fitted_width - factor * width) <= 1


@given(height=sides, width=sides, pixels=st.integers(1, 10**8))
def test_fit_pixels_keeps_the_aspect_and_the_number_of_pixels(height, width, pixels):
    fitted_height, fitted_width = fit_pixels(height, width, pixels)
    assert fitted_height >= 1 and fitted_width >= 1
    assert abs(fitted_width - width / height * fitted_height) <= 1
    if fitted_height > 1:
        # Rounding: half a pixel of height carries half a pixel times the aspect over to the width.
        assert abs(fitted_height - (pixels * height / width) ** 0.5) <= 0.5 + 1e-6


@settings(max_examples=50, deadline=None)
@given(
    level=st.floats(0, 1, width=32),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    new_size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_a_flat_image_stays_flat(level, size, new_size):
    resized = resize_image(torch.full((1, 3, *size), level), new_size)
    assert resized.shape[-2:] == new_size
    assert (resized - level).abs().max() < 1e-6  # the filter's weights sum to 1 within float32 rounding


@given(red=st.integers(0, 255), green=st.integers(0, 255), blue=st.integers(0, 255))
def test_every_color_is_parsed_exactly(red, green, blue):
    parsed = parse_color(f"#{red:02x}{green:02x}{blue:02x}")
    assert tuple(round(value * 255) for value in parsed) == (red, green, blue)
