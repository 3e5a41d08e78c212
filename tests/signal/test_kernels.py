"""The bank equals what SciPy and OpenCV document, and the lectures' tables."""

import cv2
import numpy as np
import pytest
from scipy import ndimage
from scipy.signal import convolve2d

from striate.errors import ArgumentError
from striate.signal import KERNELS, correlate, kernel, kernels


@pytest.fixture
def picture():
    return np.random.default_rng(0).normal(size=(40, 50))


def impulse_response(operation, radius):
    """What an operation of SciPy weighs its neighbours with, as a kernel for correlation."""
    point = np.zeros((2 * radius + 1,) * 2)
    point[radius, radius] = 1
    return operation(point)[::-1, ::-1]


@pytest.mark.parametrize(
    ("table", "operation"),
    [
        (kernels.sobel_x(), lambda x: ndimage.sobel(x, axis=1)),
        (kernels.sobel_y(), lambda x: ndimage.sobel(x, axis=0)),
        (kernels.prewitt_x(), lambda x: ndimage.prewitt(x, axis=1)),
        (kernels.prewitt_y(), lambda x: ndimage.prewitt(x, axis=0)),
        (kernels.laplacian(), ndimage.laplace),
        (kernels.box(5), lambda x: ndimage.uniform_filter(x, 5)),
    ],
)
def test_tables_equal_scipy(table, operation):
    np.testing.assert_allclose(
        table, impulse_response(operation, table.shape[0] // 2), rtol=1e-12, atol=1e-15
    )


def test_correlating_equals_opencv_sobel_laplacian_and_filter2d(picture):
    for dx, dy, table in ((1, 0, kernels.sobel_x()), (0, 1, kernels.sobel_y())):
        theirs = cv2.Sobel(picture, cv2.CV_64F, dx, dy, ksize=3)
        np.testing.assert_allclose(correlate(picture, table, padding="reflect"), theirs, atol=1e-12)
    theirs = cv2.Laplacian(picture, cv2.CV_64F, ksize=1)
    ours = correlate(picture, kernels.laplacian(), padding="reflect")
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    theirs = cv2.filter2D(picture, cv2.CV_64F, kernels.gabor(theta=30))
    ours = correlate(picture, kernels.gabor(theta=30), padding="reflect")
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_signs_are_for_correlation():
    ramp = np.tile(np.arange(9.0), (9, 1))
    assert correlate(ramp, kernels.sobel_x(), padding="valid").min() == 8
    assert correlate(ramp.T, kernels.sobel_y(), padding="valid").min() == 8
    assert correlate(ramp, kernels.prewitt_x(), padding="valid").min() == 6
    assert correlate(ramp.T, kernels.prewitt_y(), padding="valid").min() == 6


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1, 2.5, 5])
def test_gaussian_equals_scipy(sigma):
    table = kernels.gaussian(sigma)
    theirs = impulse_response(
        lambda x: ndimage.gaussian_filter(x, sigma, truncate=4, mode="constant"), len(table) // 2
    )
    np.testing.assert_allclose(table, theirs, atol=1e-15)


def test_gaussian_of_a_size_equals_opencv():
    bell = cv2.getGaussianKernel(7, 1.5, cv2.CV_64F)
    np.testing.assert_allclose(kernels.gaussian(1.5, 7), bell @ bell.T, atol=1e-12)


@pytest.mark.parametrize("sigma", [1, 2, 5])
def test_log_equals_scipy_up_to_the_cut(sigma):
    table = kernels.log(sigma)
    theirs = impulse_response(
        lambda x: ndimage.gaussian_laplace(x, sigma, truncate=4, mode="constant"), len(table) // 2
    )
    # What the cut leaves over is the same everywhere, small, and gone from ours.
    np.testing.assert_allclose(theirs - table, theirs.mean(), atol=1e-15)
    assert abs(theirs.mean()) < 1e-4 * abs(theirs).max()
    assert abs(table.sum()) < 1e-12


@pytest.mark.parametrize("theta", [0, 30, 45, 90, 200])
@pytest.mark.parametrize("options", [{}, {"gamma": 0.5}, {"sigma": 2.5, "phase": 90, "size": 11}])
def test_gabor_equals_opencv(theta, options):
    all_options = {"sigma": 4, "wavelength": 8, "gamma": 1, "phase": 0, "size": -1} | options
    theirs = cv2.getGaborKernel(
        (all_options["size"],) * 2,
        all_options["sigma"],
        np.radians(theta),
        all_options["wavelength"],
        all_options["gamma"],
        np.radians(all_options["phase"]),
    )
    np.testing.assert_allclose(kernels.gabor(theta=theta, **options), theirs, atol=1e-12)


def test_identity_and_sharpen():
    picture = np.random.default_rng(1).normal(size=(6, 7))
    np.testing.assert_array_equal(correlate(picture, kernels.identity(5)), picture)
    np.testing.assert_array_equal(kernels.sharpen(), kernels.identity() - kernels.laplacian())


def test_deck_003_tables():
    assert kernels.sharpen().tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    assert kernels.sobel_y().tolist() == [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]


LINES = {
    "line-horizontal": np.outer(np.arange(9) == 4, np.ones(9)),
    "line-vertical": np.outer(np.ones(9), np.arange(9) == 4),
    "line-diagonal-down": np.eye(9),
    "line-diagonal-up": np.fliplr(np.eye(9)),
}


@pytest.mark.parametrize("name", LINES)
def test_each_line_detector_answers_most_to_its_own_line(name):
    answers = {
        line: correlate(drawing, kernel(name), padding="valid")[3, 3]
        for line, drawing in LINES.items()
    }
    assert max(answers, key=answers.get) == name
    assert answers[name] == 6
    assert sum(answer == 6 for answer in answers.values()) == 1


@pytest.mark.parametrize(
    "name", ["sobel-x", "prewitt-y", "laplacian", "laplacian:neighbours=8", "log:sigma=3", *LINES]
)
def test_edge_kernels_are_blind_to_a_flat_picture(name):
    assert abs(kernel(name).sum()) < 1e-12


@pytest.mark.parametrize("name", ["identity", "box:size=7", "gaussian:sigma=3", "sharpen"])
def test_blurs_and_sharpeners_keep_the_brightness(name):
    assert kernel(name).sum() == pytest.approx(1, abs=1e-12)


class TestDeck002LaplacianOfGaussian:
    """L * G * I = LoG * I, with the deck's tables.

    As scanned, the tables have misprints: the Gaussian's first row has six entries and its third
    ends in 0.01 for 0.00; the LoG's fourth row stands twice, the second time with a 0.00 too many.
    The four 0.17 of the LoG are cut off, not rounded: from the deck's Gaussian (sigma 0.5) in full
    precision they are 0.177.
    """

    GAUSSIAN = np.array(
        [
            [0.00, 0.00, 0.00, 0.00, 0.00],
            [0.00, 0.01, 0.08, 0.01, 0.00],
            [0.00, 0.08, 0.62, 0.08, 0.00],
            [0.00, 0.01, 0.08, 0.01, 0.00],
            [0.00, 0.00, 0.00, 0.00, 0.00],
        ]
    )
    LAPLACIAN = np.array([[0.17, 0.67, 0.17], [0.67, -3.33, 0.67], [0.17, 0.67, 0.17]])
    LOG = np.array(
        [
            [0.00, 0.02, 0.06, 0.02, 0.00],
            [0.02, 0.17, 0.18, 0.17, 0.02],
            [0.06, 0.18, -1.8, 0.18, 0.06],
            [0.02, 0.17, 0.18, 0.17, 0.02],
            [0.00, 0.02, 0.06, 0.02, 0.00],
        ]
    )
    STEP = np.where(np.abs(LOG) > 1, 0.1, 0.01)  # one unit of the last printed digit

    def test_the_gaussian_is_ours_at_sigma_one_half(self):
        assert (kernels.gaussian(0.5).round(2) == self.GAUSSIAN).all()

    def test_the_printed_tables_give_the_printed_log(self):
        ours = correlate(self.GAUSSIAN, self.LAPLACIAN)
        assert (np.abs(ours - self.LOG) < self.STEP).all()

    def test_in_full_precision_all_but_four_entries_round_to_the_print(self):
        exact = np.array([[1, 4, 1], [4, -20, 4], [1, 4, 1]]) / 6
        assert (exact.round(2) == self.LAPLACIAN).all()
        ours = correlate(kernels.gaussian(0.5), exact)
        differs = np.abs(ours - self.LOG) > self.STEP / 2
        assert [tuple(at) for at in np.argwhere(differs)] == [(1, 1), (1, 3), (3, 1), (3, 3)]
        assert ours[1, 1] == pytest.approx(0.1771, abs=1e-4)

    def test_filtering_twice_equals_filtering_once_with_the_pre_convolved_kernel(self, picture):
        twice = correlate(correlate(picture, self.GAUSSIAN, padding="full"), self.LAPLACIAN)
        both = convolve2d(self.GAUSSIAN, self.LAPLACIAN)
        np.testing.assert_allclose(
            twice[2:-2, 2:-2], correlate(picture, both, padding="zeros"), atol=1e-12
        )


def test_every_kernel_is_named_after_its_function_and_is_a_fresh_float64_array():
    for name, function in KERNELS.items():
        assert function.__name__.replace("_", "-") == name
        one, other = kernel(name), function()
        assert one.dtype == np.float64
        assert not np.shares_memory(one, other)
        np.testing.assert_array_equal(one, other)


def test_text_with_parameters():
    np.testing.assert_array_equal(
        kernel("Gaussian: sigma=2, size=5"), kernels.gaussian(sigma=2, size=5)
    )
    np.testing.assert_array_equal(kernel("sobel_x"), kernels.sobel_x())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sobelx", "Did you mean .*sobel-x"),
        ("", "Known: "),
        ("gaussian:sgima=2", "gaussian with sigma, size"),
        ("sharpen:size=3", "sharpen with no parameters"),
        ("gaussian:sigma", "sigma=NUMBER"),
        ("gaussian:sigma=1,sigma=2", "once"),
        ("gaussian:sigma=big", "sigma=a number"),
        ("box:size=2.5", "size=a whole number"),
        ("box:size=4", "got 4, expected an odd whole number"),
        ("box:size=-3", "odd whole number"),
        ("gaussian:sigma=0", "sigma: got 0.0, expected a number from 0.1"),
        ("gaussian:sigma=nan", "a number from 0.1"),
        ("gaussian:sigma=1000", "8001 x 8001 taps.*at most 1025"),
        ("gaussian:sigma=1e308", "sigma: got 1e.308, expected a number from 0.1 to 1000000"),
        ("gaussian:sigma=1e300,size=5", "sigma: got 1e.300"),
        ("log:sigma=1e100,size=5", "sigma: got 1e.100"),
        ("gabor:sigma=1e308", "sigma: got 1e.308"),
        ("gabor:gamma=1e308", "gamma: got 1e.308"),
        ("box:size=2001", "2001 x 2001"),
        ("log:sigma=0.1", "enough for 3 x 3"),
        ("log:size=1", "size: got 1"),
        ("laplacian:neighbours=6", "4 or 8"),
        ("gabor:sigma=500", "sigma: got 'a kernel of 3001 x 3001 taps'"),
        ("gabor:size=2001", "size: got 'a kernel of 2001 x 2001 taps'"),
        ("gabor:theta=inf", "theta: got inf, expected a finite number"),
        ("gabor:wavelength=0", "wavelength"),
    ],
)
def test_bad_texts_name_the_argument(text, words):
    with pytest.raises(ArgumentError, match=words):
        kernel(text)
