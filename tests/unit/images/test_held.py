"""Pictures that a program holds: open files, bytes, uploads, PIL pictures, arrays and tensors of every kind."""

import zipfile
from io import BytesIO, StringIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import impasto
from impasto.errors import ImageRangeError, ImageReadError
from impasto.images.io import read_picture
from impasto.images.masks import read_mask
from impasto.images.picture import hash_source


def held_pixels():
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "hold",
    [
        lambda path, pixels: path.read_bytes(),
        lambda path, pixels: bytearray(path.read_bytes()),
        lambda path, pixels: memoryview(path.read_bytes()),
        lambda path, pixels: BytesIO(path.read_bytes()),
        lambda path, pixels: path.open("rb"),
        lambda path, pixels: Upload(path.read_bytes()),
        lambda path, pixels: zipfile.Path(zipped(path), "a.png").open("rb"),
        lambda path, pixels: pixels[None],
        lambda path, pixels: pixels.transpose(2, 0, 1),
        lambda path, pixels: pixels.transpose(2, 0, 1)[None],
        lambda path, pixels: pixels[::-1][::-1],
        lambda path, pixels: pixels.astype(np.uint16) * 257,
        lambda path, pixels: (pixels.astype(np.uint16) * 257).astype(">u2"),
        lambda path, pixels: (pixels / 255).astype(np.float64),
        lambda path, pixels: np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape),
        lambda path, pixels: torch.from_numpy(pixels),
        lambda path, pixels: torch.from_numpy(pixels).permute(2, 0, 1),
        lambda path, pixels: torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255,
        lambda path, pixels: torch.from_numpy(pixels.astype(np.uint16) * 257),
        lambda path, pixels: torch.from_numpy(pixels / 255).requires_grad_(),
    ],
)
def test_files_and_arrays_of_every_kind_are_the_same_picture(hold, tmp_path):
    pixels = held_pixels()
    Image.fromarray(pixels).save(tmp_path / "a.png")
    source = hold(tmp_path / "a.png", pixels)
    for _ in range(2):  # a file is read from its beginning each time
        picture = read_picture(source, name="content_image")
        assert torch.equal(picture.image, impasto.read_image(tmp_path / "a.png"))
        assert picture.sha256 == hash_source(source)
    if hasattr(source, "close"):
        source.close()


@pytest.mark.parametrize(
    ("dtype", "exact"), [(np.float16, 1e-3), (np.float32, 0.0), (np.longdouble, 1e-7), (np.bool_, 0.5)]
)
def test_other_types_are_nearly_the_same_picture(dtype, exact):
    values = held_pixels() / 255
    array = values > 0.5 if dtype == np.bool_ else values.astype(dtype)
    tensor = torch.from_numpy(array.astype(np.float32 if dtype == np.longdouble else dtype))
    expected = torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)[None]
    for source in (array, tensor, tensor.bfloat16() if dtype == np.bool_ else tensor):
        torch.testing.assert_close(impasto.read_image(source), expected, atol=exact, rtol=0)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (1, 20, 30), (1, 20, 30, 1), (1, 1, 20, 30)])
def test_grey_in_every_layout_is_one_picture(shape):
    grey = held_pixels()[:, :, 0]
    expected = impasto.read_image(grey)
    for source in (grey.reshape(shape), torch.from_numpy(grey.reshape(shape)), grey.reshape(shape) > 127):
        image = impasto.read_image(source)
        assert image.shape == (1, 3, 20, 30)
        assert torch.equal(image, expected) or torch.equal(image, (expected > 0.4999).float())


@pytest.mark.parametrize("size", [(3, 4), (4, 3), (1, 3), (3, 3)])
def test_small_pictures_have_their_channels_last_in_arrays_and_first_in_tensors(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    assert impasto.read_image(pixels).shape == impasto.read_image(tensor).shape == (1, 3, *size)
    assert impasto.read_image(pixels[:, :, 0]).shape == impasto.read_image(tensor[0]).shape == (1, 3, *size)


def test_a_tensor_with_alpha_and_an_upload_with_a_name(tmp_path):
    pixels = np.dstack([held_pixels(), np.full((20, 30, 1), 128, np.uint8)])
    picture = read_picture(torch.from_numpy(pixels).permute(2, 0, 1))
    assert torch.equal(picture.alpha, torch.full((1, 1, 20, 30), 128 / 255))
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    named = read_picture(Upload(file.getvalue(), "C:/folder/photo.png"))
    assert (named.name, named.path) == ("photo.png", "")


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        (lambda: b"", ImageReadError, "content_image"),
        (lambda: b"hello", ImageReadError, "content_image"),
        (lambda: StringIO("text"), ImageReadError, "reads as str; expected bytes.* mode \"rb\""),
        (lambda: closed(BytesIO(b"a")), ImageReadError, "cannot be read .*closed"),
        (lambda: AwaitedUpload(b""), ImageReadError, "reads as coroutine.*await upload.read"),
        (lambda: torch.eye(4).to_sparse(), ImageRangeError, "sparse.* expected a dense one"),
        (lambda: torch.zeros(3, 4, 4, device="meta"), ImageRangeError, "on meta; expected a dense one"),
        (lambda: {"content": b""}, ImageRangeError, "is a dict; expected a path, an open file"),
        (lambda: held_pixels().astype(np.int64), ImageRangeError, "int64"),
        (lambda: closed(Image.new("RGB", (4, 4))), ImageReadError, "content_image"),
    ],
)
def test_held_pictures_that_cannot_be_read_are_refused(source, error, says):
    with pytest.raises(error, match=says) as caught:
        read_picture(source(), name="content_image")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda opened: opened.transpose(Image.Transpose.ROTATE_270),
        lambda opened: opened.crop((0, 0, 20, 10)),
        lambda opened: opened.resize((40, 10)),
        lambda opened: opened.convert("L").convert("RGB"),
        lambda opened: opened.copy(),
        lambda opened: ImageOps.exif_transpose(opened),
    ],
)
def test_a_picture_that_the_caller_made_is_not_turned(make, tmp_path, caplog):
    exif = Image.Exif()
    exif[274] = 6
    exif[33432] = "(c) Ann"
    Image.fromarray(held_pixels()).save(tmp_path / "lying.png", exif=exif)
    with Image.open(tmp_path / "lying.png") as opened:
        assert read_picture(opened).size == (30, 20)  # as the file is
        made = make(opened)
    picture = read_picture(made)
    assert picture.size == (made.height, made.width)
    assert torch.equal(picture.image, impasto.read_image(np.asarray(made)))
    mask = read_mask(np.ones(picture.size), picture, name="only")
    assert mask.size == picture.size and not caplog.records
    assert b"(c) Ann" in picture.carried.exif and made.getexif().get(274) in (6, None)


class Upload(BytesIO):
    """A file that a web server received."""

    def __init__(self, data, filename="photo.png"):
        super().__init__(data)
        self.filename = filename


class AwaitedUpload(Upload):
    async def read(self):
        return self.getvalue()


def zipped(path):
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.write(path, path.name)
    return path.with_suffix(".zip")


def closed(file):
    file.close()
    return file
