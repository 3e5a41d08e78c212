"""Every method of the engine, forced, against the definition written as loops."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from striate.signal import engine, passes, spectral
from striate.signal.geometry import axis_for
from striate.signal.plan import Task, build, cheapest, costs, factors

PADDINGS = ["zeros", "replicate", "wrap", "reflect", "full", "valid"]


def task_for(shape, kernel, dtype, *, stride=(1, 1), dilation=(1, 1), padding="zeros"):
    planes, height, width = shape
    down = axis_for(height, kernel.shape[0], stride[0], dilation[0], padding, False)
    across = axis_for(width, kernel.shape[1], stride[1], dilation[1], padding, False)
    return Task(kernel, down, across, dtype, planes)


def beyond(at, length, padding):
    """The index that a position outside the signal takes its sample from; None is a zero."""
    if 0 <= at < length:
        return at
    if padding == "replicate":
        return min(max(at, 0), length - 1)
    if padding == "wrap":
        return at % length
    if padding == "reflect":
        while not 0 <= at < length and length > 1:
            at = -at if at < 0 else 2 * (length - 1) - at
        return at if length > 1 else 0
    return None


def naive(planes, task, padding):
    _, height, width = planes.shape
    down, across = task.down, task.across
    out = np.zeros((len(planes), down.results, across.results))
    for y, x in np.ndindex(down.results, across.results):
        for i, j in np.ndindex(*task.kernel.shape):
            row = beyond(y * down.stride + i * down.dilation - down.before, height, padding)
            column = beyond(x * across.stride + j * across.dilation - across.before, width, padding)
            if row is not None and column is not None:
                out[:, y, x] += float(task.kernel[i, j]) * planes[:, row, column].double().numpy()
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "dilation"),
    [
        ((2, 9, 21), (3, 3), (1, 1), (1, 1)),
        ((1, 8, 40), (2, 6), (1, 1), (1, 1)),
        ((3, 13, 18), (3, 4), (2, 3), (2, 1)),
        ((1, 17, 34), (1, 9), (1, 2), (1, 3)),
        ((1, 30, 5), (7, 1), (3, 1), (2, 1)),
    ],
)
def test_every_method_equals_the_loops(dtype, padding, shape, kernel, stride, dilation):
    generator = torch.Generator().manual_seed(0)
    planes = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    dense = torch.randn(kernel, generator=generator, dtype=torch.float64)
    for weights in (dense, torch.outer(dense[:, 0], dense[0])):
        task = task_for(shape, weights, dtype, stride=stride, dilation=dilation, padding=padding)
        expected = naive(planes, task, padding)
        methods = set(costs(task))
        assert {"shifts", "spectral"} <= methods
        assert ("blocks" in methods) == (dtype == torch.float32)
        for method in methods:
            result = engine.run(planes, task, padding, method)
            assert result.dtype == dtype
            tolerance = 1e-6 if dtype == torch.float32 else 1e-12
            scale = np.abs(expected).max()
            assert np.abs(result.numpy() - expected).max() <= tolerance * scale, method


@pytest.mark.parametrize("method", ["shifts", "spectral", "blocks", "separable"])
def test_frames_join_without_a_seam(method, monkeypatch):
    """An image of many frames equals the same image in one frame."""
    planes = torch.rand(5, 61, 37)
    kernel = torch.outer(torch.rand(5), torch.rand(4)).double()
    for padding in ("zeros", "wrap"):
        task = task_for(planes.shape, kernel, torch.float32, stride=(2, 1), padding=padding)
        monkeypatch.setattr(engine, "FRAME", 2**19)
        whole = engine.run(planes, task, padding, method)
        for frame in (1, 5000):
            monkeypatch.setattr(engine, "FRAME", frame)
            torch.testing.assert_close(engine.run(planes, task, padding, method), whole)


def test_torch_keeps_its_threads_and_a_failure_in_one_of_ours_comes_out(monkeypatch):
    monkeypatch.setattr(engine, "FRAME", 100)
    planes, before = torch.rand(1, 40, 40), torch.get_num_threads()
    task = task_for(planes.shape, torch.rand(3, 3).double(), torch.float32)
    engine.run(planes, task, "zeros")
    assert torch.get_num_threads() == before

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(engine, "_compute", fail)
    with pytest.raises(MemoryError, match="no room"):
        engine.run(planes, task, "zeros")
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("met_torch", [False, True])
def test_two_callers_at_once_leave_torch_its_threads(met_torch):
    """The second starts while the first has torch at one thread, and ends after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    first_works, second_works, release, first_done = (threading.Event() for _ in range(4))
    seen = []

    def hold(works, until):
        works.set()
        until.wait(10)

    def first():
        engine._on_every_core(lambda _: hold(first_works, release))
        first_done.set()

    def second():
        if met_torch:
            torch.get_num_threads()  # a thread keeps the number it meets at its first use of torch
        engine._on_every_core(lambda _: hold(second_works, first_done))

    callers = [threading.Thread(target=first), threading.Thread(target=second)]
    try:
        callers[0].start()
        first_works.wait(10)
        callers[1].start()
        second_works.wait(0.3)
        release.set()
        for caller in callers:
            caller.join()
        later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        later.start()
        later.join()
    finally:
        torch.set_num_threads(before)
    assert second_works.is_set()
    assert seen == [2]


def test_long_sums_are_cut_and_still_add_up(monkeypatch):
    planes = torch.rand(1, 60, 90)
    kernel = torch.outer(torch.rand(21), torch.rand(33)).double()
    task = task_for(planes.shape, kernel, torch.float32)
    expected = engine.run(planes.double(), task_for(planes.shape, kernel, torch.float64), "zeros")
    monkeypatch.setattr(passes, "LONGEST_SUM", 8)
    for method in ("separable", "blocks"):
        result = engine.run(planes, task, "zeros", method)
        torch.testing.assert_close(result.double(), expected, rtol=1e-5, atol=1e-5)
        assert (result.double() - expected).abs().max() <= 1e-6 * expected.max()


def test_several_tiles_and_groups(monkeypatch):
    monkeypatch.setattr(spectral, "EDGES", (16, 24))
    monkeypatch.setattr(spectral, "GROUP", 600)
    planes = torch.rand(2, 70, 95)
    kernel = torch.rand(7, 9).double()
    task = task_for(planes.shape, kernel, torch.float32, stride=(3, 2))
    expected = engine.run(planes, task, "zeros", "shifts")
    result = engine.run(planes, task, "zeros", "spectral")
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


def test_a_kernel_wider_than_every_tile_gets_a_wider_one(monkeypatch):
    monkeypatch.setattr(spectral, "EDGES", (16, 24))
    signal, kernel = torch.rand(1, 1, 300), torch.rand(1, 90).double()
    task = task_for(signal.shape, kernel, torch.float32)
    expected = engine.run(signal, task, "zeros", "shifts")
    torch.testing.assert_close(engine.run(signal, task, "zeros", "spectral"), expected)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("method", ["shifts", "spectral", "blocks", "separable"])
def test_nan_and_infinity_stay_within_the_windows_that_touch_them(method, bad):
    planes = torch.rand(2, 40, 50)
    planes[0, 20, 25] = bad
    kernel = torch.outer(torch.tensor([1.0, 0.0, 2.0]), torch.tensor([1.0, 3, 0, -1, 2, 1, 1]))
    task = task_for(planes.shape, kernel.double(), torch.float32)
    result = engine.run(planes, task, "zeros", method)
    touched = torch.zeros(2, 40, 50, dtype=torch.bool)
    for i, j in kernel.nonzero().tolist():
        touched[0, 20 - (i - 1), 25 - (j - 3)] = True
    assert torch.equal(result.isfinite(), ~touched)


def test_nan_everywhere_and_in_the_corner():
    corner = torch.zeros(1, 12, 12)
    corner[0, 0, 0] = torch.nan
    task = task_for(corner.shape, torch.ones(3, 3).double(), torch.float32, padding="wrap")
    for method in costs(task):
        result = engine.run(corner, task, "wrap", method)
        assert int(result.isnan().sum()) == 9
        assert result[0, -1, -1].isnan()
        assert engine.run(corner * torch.nan, task, "wrap", method).isnan().all()


def test_rank_one_is_found_and_exact_zeros_stay():
    column, row = factors(
        torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]).double(), torch.float64
    )
    assert torch.outer(column, row).tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert factors(torch.eye(3).double(), torch.float32) is None
    assert factors(torch.zeros(3, 3).double(), torch.float32) is None
    nearly = torch.outer(torch.rand(9), torch.rand(9)).double()  # rounded to float32
    assert factors(nearly, torch.float32) is not None
    assert factors(nearly, torch.float64) is None


@pytest.mark.parametrize(
    ("kernel", "method"),
    [
        (torch.outer(torch.rand(41), torch.rand(41)), "separable"),
        (torch.rand(31, 31), "spectral"),
        (torch.rand(5, 5), "blocks"),
        (torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]), "shifts"),
        (torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 0, -1])), "separable"),
    ],
)
def test_the_plan_for_a_12_megapixel_image(kernel, method):
    assert cheapest(task_for((1, 3000, 4000), kernel.double(), torch.float32)) == method


def test_a_method_that_does_not_fit_is_refused():
    task = task_for((1, 9, 9), torch.eye(3).double(), torch.float32)
    with pytest.raises(AssertionError, match="not separable"):
        build("separable", task)
