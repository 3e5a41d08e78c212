"""compile, fit, evaluate, predict: what goes in, what comes out, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from striate import sequential as keras
from striate.errors import ArgumentError, StriateError
from striate.sequential import MissingError, Sequential, layers
from striate.sequential.feed import CountingLoss

pytestmark = pytest.mark.usefixtures("one_thread")


def stripes(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Three classes by which third of a grey picture is bright, uint8 `(N, 6, 4)`."""
    noise = np.random.default_rng(0)
    x = noise.integers(0, 100, (count, 6, 4)).astype(np.uint8)
    y = np.arange(count) % 3
    for picture, label in zip(x, y, strict=True):
        picture[2 * label : 2 * label + 2] += 100
    return x, y


def dense_model(units: int = 3, activation: str | None = "softmax") -> Sequential:
    keras.utils.set_random_seed(1)
    return Sequential(
        [
            keras.Input(shape=(6, 4, 1)),
            layers.Flatten(),
            layers.BatchNormalization(momentum=0.5),
            layers.Dense(units, activation=activation),
        ]
    )


def compiled(model: Sequential | None = None, **settings: object) -> Sequential:
    model = model or dense_model()
    settings = {"optimizer": keras.optimizers.Adam(0.05), "metrics": ["accuracy"], **settings}
    settings = {"loss": "sparse_categorical_crossentropy", **settings}
    model.compile(**settings)  # type: ignore[arg-type]
    return model


def weights(model: Sequential) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in model.net.parameters()])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_two_fits_are_one(optimizer: str) -> None:
    """The optimiser goes on where it stood; compiling starts it anew."""
    x, y = stripes()
    once, twice, anew = (compiled(optimizer=optimizer) for _ in range(3))
    once.fit(x, y, batch_size=30, epochs=2, shuffle=False, verbose=0)
    twice.fit(x, y, batch_size=30, shuffle=False, verbose=0)
    twice.fit(x, y, batch_size=30, shuffle=False, verbose=0)
    anew.fit(x, y, batch_size=30, shuffle=False, verbose=0)
    compiled(anew, optimizer=optimizer).fit(x, y, batch_size=30, shuffle=False, verbose=0)
    assert torch.equal(weights(once), weights(twice))
    assert torch.equal(weights(once), weights(anew)) == (optimizer == "sgd")


def test_it_learns_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = stripes()
    model = compiled()
    history = model.fit(x, y, batch_size=30, epochs=4)
    assert history.epoch == [0, 1, 2, 3]
    assert list(history.history) == ["accuracy", "loss"]
    assert history.history["loss"][-1] < history.history["loss"][0] / 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[6] == "Epoch 4/4"
    assert lines[7].startswith("3/3 - ")
    assert "accuracy: 1 - loss: 0." in lines[7]
    assert model.evaluate(x, y, return_dict=True)["accuracy"] == 1.0
    assert "accuracy: 1 - loss: 0." in capsys.readouterr().out
    model.fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_labels_in_every_form_teach_the_same() -> None:
    x, y = stripes()
    found = []
    for labels in (y, y[:, None], y.astype(float), keras.utils.to_categorical(y)):
        model = compiled()
        model.fit(x, labels, verbose=0)
        found.append(weights(model))
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_pictures_in_every_form_are_the_same() -> None:
    x, _ = stripes(6)
    model = dense_model()
    expected = model.predict(x.astype(np.float32)[..., None])
    read_only = x.copy()
    read_only.flags.writeable = False
    for form in (x, x[..., None], x.astype(int), x.astype(float), read_only, torch.from_numpy(x)):
        np.testing.assert_array_equal(model.predict(form), expected)


def test_the_user_s_pictures_are_left_as_they_are() -> None:
    x = np.random.default_rng(0).normal(size=(8, 6, 4, 1)).astype(np.float32)
    before = x.copy()
    model = compiled(
        Sequential(
            [keras.Input((6, 4, 1)), layers.Activation("relu"), layers.Flatten(), layers.Dense(3)]
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(x, np.arange(8) % 3, verbose=0)
    model.predict(x)
    np.testing.assert_array_equal(x, before)


def test_the_last_share_validates_and_is_not_learnt_from() -> None:
    x, y = stripes(90)
    x[80:] = 255  # were these learnt from, the weights would differ
    shared = compiled()
    found = shared.fit(x, y, epochs=2, validation_split=0.11, verbose=0).history
    alone = compiled()
    alone.fit(x[:80], y[:80], epochs=2, verbose=0)
    assert torch.equal(weights(shared), weights(alone))
    loss, accuracy = shared.evaluate(x[80:], y[80:], verbose=0)
    assert (found["val_loss"][-1], found["val_accuracy"][-1]) == (loss, accuracy)
    given = compiled().fit(x[:80], y[:80], epochs=2, validation_data=(x[80:], y[80:]), verbose=0)
    assert given.history == found


def test_without_shuffling_the_order_is_the_array_s() -> None:
    x, y = stripes(64)
    first, second = compiled(), compiled()
    first.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    net, optimiser = second.net.train(), torch.optim.Adam(second.net.parameters(), 0.05, eps=1e-7)
    for start in range(0, 64, 16):
        batch = torch.from_numpy(x[start : start + 16]).float()[:, None]
        loss = nn.functional.cross_entropy(net(batch), torch.from_numpy(y[start : start + 16]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.testing.assert_close(weights(first), weights(second), rtol=1e-4, atol=1e-6)


def test_runs_repeat_with_a_seed_and_differ_without() -> None:
    x, y = stripes()
    model = compiled()
    model.fit(x, y, batch_size=8, verbose=0)
    first = weights(model)
    again = compiled()
    again.fit(x, y, batch_size=8, verbose=0)
    assert torch.equal(first, weights(again))
    other = compiled()
    torch.manual_seed(5)
    other.fit(x, y, batch_size=8, verbose=0)
    assert not torch.equal(first, weights(other))


def test_training_accuracy_is_that_of_the_batches() -> None:
    loss = CountingLoss()
    logits = torch.tensor([[1.0, 0], [0, 1.0], [1.0, 0]])
    loss(logits, torch.tensor([0, 0, 0]), torch.tensor([True, True, False]))
    assert loss.take_accuracy() == 0.5
    loss(logits[:1], torch.tensor([0]), torch.tensor([True]))
    assert loss.take_accuracy() == 1.0


def test_large_logits_neither_overflow_nor_lose_digits() -> None:
    for after in ([], [layers.GlobalAveragePooling2D()]):
        size = (2, 1, 1) if after else (1,)
        convolution = layers.Conv2D(2, 1, activation="softmax")
        last = convolution if after else layers.Dense(2, activation="softmax")
        model = compiled(Sequential([keras.Input(size), last, *after]))
        with torch.no_grad():
            next(m for m in model.net if isinstance(m, (nn.Linear, nn.Conv2d))).weight.copy_(
                torch.tensor([1.0, -1.0]).view(2, 1, *([1, 1] if after else []))
            )
        x = np.full((1, *size), 300.0)
        assert model.evaluate(x, [1], verbose=0)[0] == pytest.approx(600)
        assert model.evaluate(x, [0], verbose=0)[0] == 0
        np.testing.assert_allclose(model.predict(x), [[1, 0]], atol=1e-30)


def test_means_of_chances_are_what_keras_means() -> None:
    keras.utils.set_random_seed(0)
    model = Sequential(
        [
            keras.Input((3, 4, 2)),
            layers.Conv2D(5, 1, activation="softmax"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype(np.float32)
    with torch.no_grad():
        chances = model.net[0](torch.from_numpy(x).permute(0, 3, 1, 2)).softmax(1)
    np.testing.assert_allclose(model.predict(x), chances.mean((2, 3)), atol=1e-6)


def test_one_sigmoid_unit_tells_two_classes() -> None:
    x, y = stripes()
    y = (y == 1).astype(int)
    model = compiled(dense_model(1, "sigmoid"), loss="binary_crossentropy", metrics=["acc"])
    found = model.fit(x, y, epochs=4, validation_split=0.2, verbose=0).history
    assert list(found) == ["acc", "loss", "val_acc", "val_loss"]
    chances = model.predict(x)
    assert chances.shape == (90, 1)
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy == ((chances[:, 0] > 0.5) == y).mean() == 1.0
    right = np.where(y == 1, chances[:, 0], 1 - chances[:, 0])
    assert loss == pytest.approx(-np.log(right).mean(), rel=1e-3)


def test_a_model_of_logits_needs_its_loss_told() -> None:
    x, y = stripes()
    model = compiled(dense_model(3, None))
    with pytest.raises(ArgumentError, match=r"activation 'softmax'.* from_logits=True"):
        model.fit(x, y)
    from_logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    history = compiled(model, loss=from_logits).fit(x, y, epochs=3, verbose=0)
    assert history.history["accuracy"][-1] > 0.9
    with pytest.raises(ArgumentError, match=r"loss: .*activation 'linear'"):
        compiled(dense_model(), loss=from_logits).fit(x, y)
    with pytest.raises(ArgumentError, match="one unit, activation 'sigmoid'"):
        compiled(dense_model(), loss="binary_crossentropy").fit(x, y)


def test_class_weights_and_smoothing_reach_the_loss() -> None:
    x, y = stripes()
    plain, weighed = compiled(), compiled()
    plain.fit(x, y, epochs=2, verbose=0)
    weighed.fit(x, y, epochs=2, class_weight={0: 100.0}, verbose=0)
    assert (weighed.predict(x).argmax(1) == 0).mean() > (plain.predict(x).argmax(1) == 0).mean()
    smooth = compiled(loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.9))
    smooth.fit(x, y, epochs=5, verbose=0)
    assert smooth.predict(x).max() < 0.6


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "AdamW"])
def test_optimizers_by_name(optimizer: str) -> None:
    model = compiled(optimizer=optimizer)
    assert model.fit(*stripes(), verbose=0).history["loss"]


def test_sgd_with_momentum() -> None:
    model = compiled(optimizer=keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True))
    assert model.fit(*stripes(), epochs=5, verbose=0).history["accuracy"][-1] > 0.9


def test_sequences_and_words_are_taken_too() -> None:
    words = np.random.default_rng(0).integers(0, 20, (60, 7))
    model = Sequential(
        [
            keras.Input((7,)),
            layers.Embedding(20, 8),
            layers.Conv1D(6, 3, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    compiled(model)
    label = (words == 3).any(1).astype(int)
    history = model.fit(words, label, epochs=40, verbose=0).history
    assert history["accuracy"][-1] > 0.9
    signals = np.random.default_rng(0).normal(size=(4, 9, 2))
    one = Sequential([layers.Conv1D(3, 2), layers.Flatten()])
    assert one.predict(signals).shape == (4, 24)


def test_shapes_may_come_with_the_first_layer_or_with_the_data() -> None:
    early = Sequential([layers.Conv2D(2, 3, input_shape=(6, 4, 1)), layers.Flatten()])
    assert early.input_shape == (None, 6, 4, 1)
    late = Sequential()
    late.add(layers.Conv2D(2, 3))
    late.add(layers.Flatten())
    assert late.predict(np.zeros((5, 6, 4, 1))).shape == (5, 16)
    kept = late.net[0]
    late.add(layers.Dense(2, name="head"))
    assert late.net[0] is kept
    assert late.output_shape == (None, 2)
    assert [name for name, _ in late.net.named_children()] == ["conv2d", "flatten", "head"]


def test_weights_go_to_the_disk_and_back(tmp_path: Path) -> None:
    x, _ = stripes(5)
    model, other = dense_model(), dense_model()
    nn.init.normal_(other.net[2].weight)
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(str(tmp_path / "w.safetensors"))
    np.testing.assert_array_equal(model.predict(x), other.predict(x))
    with pytest.raises(ArgumentError, match=r"filepath: got 'w\.h5'.*\.h5 and \.keras"):
        model.save_weights("w.h5")
    with pytest.raises(StriateError, match=r"w\.safetensors: holds no weights of this model"):
        dense_model(4).load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 5, 4)), [0, 1, 2], r"x: got \(3, 5, 4, 1\), expected \(samples, 6, 4, 1\)"),
        (np.array(["a"]), [0], "x: .* an array of numbers"),
        (np.zeros((3, 6, 4)), [0, 1], "3 labels, one a sample"),
        (np.zeros((3, 6, 4)), [0, 1, 3], "y: got 3, expected whole numbers from 0 to 2"),
        (np.zeros((3, 6, 4)), [0, -1, 2], "y: got -1, expected whole numbers"),
        (np.zeros((3, 6, 4)), [0, 0.5, 2], r"y: got 0\.5, expected whole numbers"),
        (np.zeros((3, 6, 4)), np.eye(3) / 2, "soft labels are not taken"),
        (np.zeros((3, 6, 4)), np.eye(3, 4), r"y: got \(3, 4\)"),
        (np.zeros((0, 6, 4)), [], "train: got 0"),
    ],
)
def test_wrong_data_is_named(x: np.ndarray, y: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        compiled().fit(x, np.asarray(y), verbose=0)


def test_wrong_settings_are_named() -> None:
    x, y = stripes(9)
    with pytest.raises(ArgumentError, match="validation_split: got 1"):
        compiled().fit(x, y, validation_split=1.0)
    with pytest.raises(ArgumentError, match="class_weight: got 7"):
        compiled().fit(x, y, class_weight={7: 1.0})
    with pytest.raises(ArgumentError, match="callbacks: got 3"):
        compiled().fit(x, y, callbacks=[3])  # type: ignore[list-item]
    with pytest.raises(MissingError, match=r"fit\(sample_weight=\.\.\.\)"):
        compiled().fit(x, y, sample_weight=y)
    with pytest.raises(StriateError, match=r"not compiled. Call compile\(\.\.\.\) first"):
        dense_model().fit(x, y)
    with pytest.raises(StriateError, match="no layers yet"):
        Sequential().summary()
    with pytest.raises(StriateError, match="the input is not known yet"):
        Sequential([layers.Dense(3)]).summary()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "rmsprop"}, "optimizer 'rmsprop' is not part of this front"),
        ({"loss": "mse"}, "loss 'mse' is not part of this front"),
        ({"metrics": ["auc"]}, "metric 'auc' is not part"),
        ({"run_eagerly": True}, "run_eagerly"),
    ],
)
def test_what_keras_has_and_this_has_not(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MissingError, match=message):
        compiled(**settings)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: keras.Model, MissingError, "Keras' Model is not part"),
        (lambda: keras.optimizers.Nadam, MissingError, r"optimizers\.Nadam"),
        (lambda: keras.losses.Hinge, MissingError, r"losses\.Hinge"),
        (lambda: keras.callbacks.TensorBoard, MissingError, r"callbacks\.TensorBoard"),
        (lambda: keras.datasets.imdb, MissingError, r"datasets\.imdb"),
        (lambda: keras.utils.plot_model, MissingError, r"utils\.plot_model"),
        (lambda: keras.optimizers.Adam(beta_1=0.5), MissingError, "beta_1"),
        (lambda: keras.optimizers.SGD(momentum=0.9), MissingError, "Give nesterov=True"),
        (lambda: keras.optimizers.Adam(abs), ArgumentError, "LearningRateScheduler"),
        (lambda: compiled(optimizer=3), ArgumentError, "optimizer: got 3"),
        (lambda: compiled(loss=3), ArgumentError, "loss: got 3"),
        (lambda: dense_model().compile("adam"), ArgumentError, "loss: got None"),
        (lambda: Sequential([3]), ArgumentError, "layer: got 3"),
        (lambda: dense_model().add(keras.Input((3,))), ArgumentError, "before all layers"),
        (lambda: Sequential([layers.Flatten(name="a")] * 2), MissingError, "sharing of one"),
        (lambda: dense_model().add(layers.Flatten(name="dense")), ArgumentError, "no other layer"),
        (lambda: keras.utils.to_categorical([0, 3], 3), ArgumentError, r"x: got \(0, 3\)"),
    ],
)
def test_errors_name_what_is_wrong(make: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("name", ["a.b", "forward", "dense_relu"])
def test_names_that_cannot_be(name: str) -> None:
    model = Sequential([keras.Input((3,)), layers.Dense(2, activation="relu")])
    model.add(layers.Dense(2, name=name))
    with pytest.raises(ArgumentError, match="name: got"):
        _ = model.net


def test_datasets_come_as_arrays() -> None:
    (x, y), (x_test, y_test) = keras.datasets.sample.load_data()
    assert (x.shape, x_test.shape) == ((4000, 28, 28), (1000, 28, 28))
    assert (x.dtype, y.dtype, y.shape, y_test.shape) == (np.uint8, np.uint8, (4000,), (1000,))
    # Shuffled, so that the last share of it holds every class.
    assert np.bincount(y[-400:], minlength=10).min() > 20
    assert len(np.unique(np.concatenate([x, x_test]).reshape(5000, -1), axis=0)) == 5000


def test_a_pooling_before_its_relu_changes_nothing() -> None:
    model = Sequential(
        [keras.Input((6, 4, 1)), layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(2)]
    )
    assert [name for name, _ in model.net.named_children()][1:] == ["max_pooling2d", "conv2d_relu"]
    x = np.random.default_rng(0).normal(size=(3, 6, 4, 1)).astype(np.float32)
    pictures = torch.from_numpy(x).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = nn.functional.max_pool2d(model.net[0](pictures).relu(), 2)
    np.testing.assert_array_equal(model.predict(x), expected.permute(0, 2, 3, 1).numpy())


def test_a_softmax_in_the_middle_stays_one() -> None:
    model = Sequential([keras.Input((3,)), layers.Softmax(), layers.Dense(2)])
    x = np.array([[1.0, 2.0, 3.0]])
    chances = torch.tensor(x).softmax(1).float()
    with torch.no_grad():
        expected = model.net[-1](chances).numpy()
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-6)
