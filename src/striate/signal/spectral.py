"""Large kernels by Fourier transform, tile by tile, so that every tile stays in the cache."""

from __future__ import annotations

import math

import torch

from striate.signal.geometry import Axis

# Edges of tiles: products of small primes, which transform fastest.
EDGES = (32, 48, 64, 96, 128, 160, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192, 16384)

# Samples transformed at a time; more no longer fit one core's second-level cache.
GROUP = 2**18

# Nanoseconds per sample of a tile and per doubling of it, there and back with its copies, float32,
# measured on two AVX-512 cores: 31x31 taps on 12 MP took 82 ms in tiles of 192 squared, and twice
# as long per sample in tiles of 512 squared, which fall out of the cache.
TRANSFORM = 0.24
TRANSFORM_PAST_CACHE = 0.45
CACHED_TILE = 2**17


class Spectral:
    """Overlap-save: transform overlapping tiles, multiply, transform back, keep whole windows.

    A tile of `tall x wide` samples yields `(tall - reach) x (wide - reach)` results.
    """

    mixes = True

    def __init__(self, kernel: torch.Tensor, down: Axis, across: Axis, dtype: torch.dtype) -> None:
        self.down, self.across = down, across
        self.tall, self.wide = tile_for(down), tile_for(across)
        self.high, self.broad = self.tall - down.reach, self.wide - across.reach
        every = (across.results - 1) * across.stride + 1
        self.count = -(-every // self.broad)
        self.width = (self.count - 1) * self.broad + self.wide
        spread = torch.zeros(down.reach + 1, across.reach + 1, dtype=torch.float64)
        spread[:: down.dilation, :: across.dilation] = kernel
        # In float64 first: the spectrum's own rounding would be the largest error.
        spectrum = torch.fft.rfft2(spread, s=(self.tall, self.wide)).conj()
        self.spectrum = spectrum.resolve_conj().to(dtype.to_complex())

    def __call__(self, frame: torch.Tensor, out: torch.Tensor) -> None:
        """Write the results of a frame (P, N, width), one row of tiles after another."""
        step, side = self.down.stride, self.across.stride
        rows, columns = (out.shape[1] - 1) * step + 1, (out.shape[2] - 1) * side + 1
        top = 0
        while top < rows:
            band = self._band(frame[:, top : top + self.tall, : self.width])
            # The first window at or after the band's top that the stride keeps.
            skip = -top % step
            part = band[:, skip : rows - top : step, :columns:side]
            first = (top + skip) // step
            out[:, first : first + part.shape[1]] = part
            top += self.high

    def _band(self, band: torch.Tensor) -> torch.Tensor:
        """Every whole window of one row of tiles: (P, tall or less, width) -> (P, high, ...)."""
        planes = band.shape[0]
        tiles = band.unfold(2, self.wide, self.broad).transpose(1, 2)  # (P, count, tall, wide)
        result = band.new_empty(planes, self.high, self.count, self.broad)
        group = max(1, GROUP // (planes * self.tall * self.wide))
        for first in range(0, self.count, group):
            spectra = torch.fft.rfft2(tiles[:, first : first + group], s=(self.tall, self.wide))
            spectra.mul_(self.spectrum)
            back = torch.fft.irfft2(spectra, s=(self.tall, self.wide))
            whole = back[:, :, : self.high, : self.broad]
            result[:, :, first : first + group] = whole.transpose(1, 2)
        return result.view(planes, self.high, self.count * self.broad)


def tile_for(axis: Axis) -> int:
    """The tile edge with the least work per result along one axis."""
    edges: tuple[int, ...]
    if axis.taps == 1:
        edges = (1, *EDGES[:4])
    else:
        edges = tuple(e for e in EDGES if e > axis.reach) or (2 ** (2 * axis.reach).bit_length(),)
    windows = (axis.results - 1) * axis.stride + 1

    def work(edge: int) -> float:
        inside = edge - axis.reach
        return math.ceil(windows / inside) * edge * (math.log2(edge) + 1) * _dearer(edge**2)

    return min(edges, key=work)


def _dearer(samples: int) -> float:
    return TRANSFORM if samples <= CACHED_TILE else TRANSFORM_PAST_CACHE


def cost(down: Axis, across: Axis) -> float:
    """Estimated nanoseconds per result, float32."""
    tall, wide = tile_for(down), tile_for(across)
    samples = tall * wide
    kept = (tall - down.reach) * (wide - across.reach) / (down.stride * across.stride)
    return samples / kept * math.log2(2 * samples) * _dearer(samples)
