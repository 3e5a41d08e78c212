"""Pictures with the statistics of photographs, and what happens to copies of them."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def photo(generator: np.random.Generator, height: int = 96, width: int = 128) -> Image.Image:
    """Noise with amplitudes of 1/f, as photographs have, in three bands that share most of it."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width) * width)
    bands = []
    shared = generator.standard_normal((height, width))
    for _ in range(3):
        noise = shared + 0.4 * generator.standard_normal((height, width))
        values = np.fft.irfft2(np.fft.rfft2(noise) / np.maximum(frequency, 1) ** 1.3, noise.shape)
        bands.append(128 + 52 * (values - values.mean()) / values.std())
    return Image.fromarray(np.stack(bands, 2).clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue()))


def cropped(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """5 % less wide and high, from anywhere."""
    lost_x, lost_y = round(image.width * 0.05), round(image.height * 0.05)
    x, y = int(generator.integers(lost_x + 1)), int(generator.integers(lost_y + 1))
    return image.crop((x, y, x + image.width - lost_x, y + image.height - lost_y))


# What is done to a copy, and the least share of such copies that must be found.
CHANGES: dict[str, tuple[Change, float]] = {
    "re-encoded": (lambda image, _: jpeg(image, 75), 0.98),
    "halved": (lambda image, _: image.resize((image.width // 2, image.height // 2)), 0.98),
    "cropped": (cropped, 0.9),
    "mirrored": (lambda image, _: ImageOps.mirror(image), 0.9),
    "turned": (lambda image, _: image.transpose(Image.Transpose.ROTATE_90), 0.9),
}
