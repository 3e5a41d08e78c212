"""Arrays, tensors and images in; the same kind out."""

from __future__ import annotations

import gc
import warnings

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image

from striate.errors import ArgumentError
from striate.signal import convolve, correlate
from striate.signal.kinds import read

KERNEL = np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
SKEW = np.array([[1.0, -2, 0.5], [2, 3, 0]])


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        ("bool", "float32"),
        ("uint8", "float32"),
        ("int8", "float32"),
        ("int16", "float32"),
        ("uint16", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("int32", "float64"),
        ("uint32", "float64"),
        ("int64", "float64"),
        ("uint64", "float64"),
        ("float64", "float64"),
    ],
)
def test_number_types(dtype, result):
    signal = (np.random.default_rng(0).random((12, 20)) * 100).astype(dtype)
    for padding, mode in (("reflect", "mirror"), ("zeros", "constant")):
        filtered = correlate(signal, SKEW, padding=padding)
        assert filtered.dtype == result
        expected = scipy.ndimage.correlate(signal.astype(np.float64), SKEW, mode=mode)
        np.testing.assert_allclose(filtered, expected, atol=1e-6 * np.abs(expected).max())
        if dtype != "float16" or result == "float32":
            tensor = correlate(torch.from_numpy(signal), SKEW, padding=padding)
            assert isinstance(tensor, torch.Tensor)
            np.testing.assert_array_equal(tensor.numpy(), filtered)


def test_views_of_every_sort():
    base = np.random.default_rng(0).random((24, 30)).astype(np.float32)
    frozen = base.copy()
    frozen.flags.writeable = False
    views = {
        "transposed": base.T,
        "strided": base[::2, 1::3],
        "backward": base[::-1, ::-1],
        "foreign order": base.astype(">f4"),
        "read-only": frozen,
        "fortran": np.asfortranarray(base),
    }
    for name, view in views.items():
        expected = correlate(np.ascontiguousarray(view, dtype=np.float32), SKEW)
        np.testing.assert_array_equal(correlate(view, SKEW), expected, err_msg=name)
    tensor = torch.from_numpy(base)
    for view in (tensor.T, tensor[::2, 1::3], tensor[None].expand(3, 24, 30)):
        expected = correlate(view.contiguous(), SKEW)
        assert torch.equal(correlate(view, SKEW), expected)


@pytest.mark.parametrize("dtype", ["bool", "uint16", "float16", "float64"])
def test_read_only_memory_is_shared_without_touching_the_warnings(dtype, monkeypatch):
    """`catch_warnings` swaps lists that all threads share."""
    frozen = (np.random.default_rng(0).random((40, 50)) * 9).astype(dtype)[::2].T
    copy = frozen.copy()
    frozen.flags.writeable = False
    with monkeypatch.context() as patch:
        patch.setattr(warnings, "catch_warnings", None)
        tensor = read(frozen)
    assert tensor.data_ptr() == frozen.ctypes.data
    assert not frozen.flags.writeable
    del frozen
    gc.collect()
    np.testing.assert_array_equal(tensor.numpy(), copy)


def test_the_input_is_never_written_to():
    signal = np.random.default_rng(0).random((24, 30)).astype(np.float32)
    before = signal.copy()
    for kernel in ([[1.0]], KERNEL, SKEW, np.ones((20, 20))):
        result = convolve(signal, kernel)
        result += 1
        np.testing.assert_array_equal(signal, before)


def test_bfloat16_is_computed_in_float32():
    signal = torch.rand(6, 6).to(torch.bfloat16)
    result = correlate(signal, KERNEL)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, correlate(signal.float(), KERNEL))


def pixels(mode, size=(17, 11)):
    bands = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], bands), dtype=np.uint8)
    return Image.merge(mode, [Image.fromarray(values[..., b]) for b in range(bands)])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"])
def test_images_band_by_band_rounded_and_clipped(mode):
    image = pixels(mode) if mode != "L" else pixels("RGB").getchannel(0)
    result = correlate(image, SKEW, padding="replicate")
    assert isinstance(result, Image.Image)
    assert (result.mode, result.size) == (mode, image.size)
    for before, after in zip(image.split(), result.split(), strict=True):
        sums = scipy.ndimage.correlate(np.asarray(before, dtype=float), SKEW, mode="nearest")
        np.testing.assert_array_equal(np.asarray(after), np.clip(np.rint(sums), 0, 255))


@pytest.mark.parametrize(
    ("mode", "dtype"), [("I;16", np.uint16), ("I", np.int32), ("F", np.float32)]
)
def test_deep_images(mode, dtype):
    values = (np.random.default_rng(0).random((9, 14)) * 60000).astype(dtype)
    result = correlate(Image.fromarray(values), KERNEL, padding="wrap")
    assert result.mode == mode
    sums = scipy.ndimage.correlate(values.astype(float), KERNEL, mode="wrap")
    expected = sums if mode == "F" else np.rint(sums)
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-6)


def test_a_strided_image_shrinks():
    assert convolve(pixels("RGB"), KERNEL, stride=(2, 3)).size == (6, 6)


@pytest.mark.parametrize("mode", ["1", "P", "PA", "HSV", "LAB"])
def test_modes_whose_numbers_are_no_intensities(mode):
    with pytest.raises(ArgumentError, match=f"mode {mode}', .*Convert it first"):
        correlate(Image.new(mode, (5, 5)), KERNEL)


BAD_SIGNALS = [
    (np.ones((0, 4)), r"signal: got \(0, 4\), expected at least one axis and one sample"),
    (np.array(3.0), r"signal: got \(\), expected at least one axis"),
    (torch.tensor(3.0), r"signal: got \(\), expected at least one axis"),
    (np.ones((4, 4), dtype=complex), "signal: .* expected bool, integer"),
    (torch.ones(4, 4, dtype=torch.complex64), "signal: .* expected real numbers"),
    (np.array([["a"]]), "signal: .* expected bool, integer"),
    (np.array([[None]]), "signal: .* expected bool, integer"),
    (np.ones((4, 4), dtype=np.longdouble), "signal: .* expected bool, integer"),
    ([[1, 2], [3, 4]], "signal: .* expected a NumPy array.*asarray"),
    (None, "signal: got None"),
    (Image.new("L", (0, 3)), r"signal: got 'PIL image of size \(0, 3\)"),
]


@pytest.mark.parametrize(("signal", "message"), BAD_SIGNALS)
def test_bad_signals(signal, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        correlate(signal, KERNEL)
    assert caught.value.exit_code == 2


def test_an_image_knows_its_axes():
    with pytest.raises(ArgumentError, match=r"axes: got .* None for an image"):
        correlate(pixels("RGB"), KERNEL, axes=(0, 1))
