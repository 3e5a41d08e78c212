"""The lectures' Keras listings as they stand, with the import changed and the embedded digits."""

import numpy as np
import pytest

from striate import sequential as keras

IMPORTS = """
from striate import sequential as keras
from striate.sequential import layers
"""

FIRST = """
model = keras.Sequential(
[
    keras.Input(shape=input_shape),
    layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.Flatten(),
    layers.Dropout(0.5),
    layers.Dense(num_classes, activation="softmax"),
]
)

model.summary()
"""

SECOND = """
model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(128, kernel_size=(3, 3), activation="relu"),
        layers.Conv2D(num_classes, kernel_size=(1, 1), activation="softmax"),
        layers.GlobalAveragePooling2D(),
    ]
)

model.summary()
"""

LEARN = """
x_train = x_train[:1200, ..., np.newaxis].astype("float32") / 255
y_train = keras.utils.to_categorical(y_train[:1200], num_classes)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(
    x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1, verbose=0
)
score = model.evaluate(x_train[-120:], y_train[-120:], verbose=0)
"""


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("listing", "parameters", "epochs", "least"),
    [(FIRST, 34_826, 1, 0.6), (SECOND, 93_962, 3, 0.6)],
)
def test_a_listing_runs_and_learns(
    listing: str,
    parameters: int,
    epochs: int,
    least: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keras.utils.set_random_seed(0)
    (x, y), _ = keras.datasets.sample.load_data()
    space = {"np": np, "input_shape": (28, 28, 1), "num_classes": 10, "epochs": epochs}
    space |= {"x_train": x, "y_train": y}
    exec(IMPORTS + listing + LEARN, space)
    assert f"Total params: {parameters:,}" in capsys.readouterr().out
    model, history, score = space["model"], space["history"].history, space["score"]
    assert model.count_params() == parameters
    assert list(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    # The validation part is the last share: 120 of 1,200.
    assert score == [history["val_loss"][-1], history["val_accuracy"][-1]]
    assert score[1] > least
    chances = model.predict(space["x_train"][-120:], verbose=0)
    right = (chances.argmax(1) == space["y_train"][-120:].argmax(1)).mean()
    assert right == pytest.approx(score[1])
    losses = -np.log((chances * space["y_train"][-120:]).sum(1))
    assert losses.mean() == pytest.approx(score[0], rel=1e-4)


def test_the_table_is_keras_like(capsys: pytest.CaptureFixture[str]) -> None:
    space = {"input_shape": (28, 28, 1), "num_classes": 10}
    exec(IMPORTS + FIRST, space)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'Model: "sequential"'
    cells = [[c.strip() for c in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert cells == [
        ["conv2d (Conv2D)", "(None, 26, 26, 32)", "320"],
        ["max_pooling2d (MaxPooling2D)", "(None, 13, 13, 32)", "0"],
        ["conv2d_1 (Conv2D)", "(None, 11, 11, 64)", "18,496"],
        ["max_pooling2d_1 (MaxPooling2D)", "(None, 5, 5, 64)", "0"],
        ["flatten (Flatten)", "(None, 1600)", "0"],
        ["dropout (Dropout)", "(None, 1600)", "0"],
        ["dense (Dense)", "(None, 10)", "16,010"],
    ]
