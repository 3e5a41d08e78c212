"""One call of `fit`: Keras' words made into a recipe, loaders and a run of the training loop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from striate.data.order import Order
from striate.errors import ArgumentError
from striate.sequential import feed
from striate.sequential.callbacks import Callback, History
from striate.sequential.display import EpochLines
from striate.training import Epoch, Recipe, Surroundings, fit

if TYPE_CHECKING:
    from striate.sequential.model import Sequential

Labelled = tuple[Tensor, Tensor]


class Fitting:
    """A run of a compiled model, and the callbacks that hear of it."""

    def __init__(
        self,
        model: Sequential,
        *,
        batch_size: int,
        epochs: int,
        loud: bool,
        callbacks: Sequence[Callback],
    ) -> None:
        self.model, self.batch_size, self.epochs, self.loud = model, batch_size, epochs, loud
        self.history = History()
        # Last, so that it keeps what the others add to an epoch's figures.
        self._callbacks = [*callbacks, self.history]
        for callback in self._callbacks:
            if not isinstance(callback, Callback):
                raise ArgumentError("callbacks", callback, "callbacks of striate.sequential")
            callback.model = model

    def run(
        self,
        train: Labelled,
        val: Labelled | None,
        split: float,
        shuffle: bool,
        class_weight: Mapping[int, float],
    ) -> History:
        """Train, and return the history."""
        if not 0 <= split < 1:
            raise ArgumentError("validation_split", split, "a share from 0, below 1")
        model, device = self.model, self.model.device
        count = len(train[1]) if val else math.floor(len(train[1]) * (1 - split))
        everyone = torch.arange(len(train[1]))
        seed = int(torch.randint(2**31, ()))
        order = Order(self.batch_size, seed, shuffle)
        in_turn = Order(self.batch_size, shuffle=False)
        learning = feed.loader(*train, order, device, everyone[:count])
        validating = None
        if val:
            validating = feed.loader(*val, in_turn, device)
        elif count < len(everyone):
            validating = feed.loader(*train, in_turn, device, everyone[count:])
        self._begin(len(learning))
        weights = _weights(class_weight, model.classes)
        self._loss = feed.CountingLoss(smoothing=model.loss.smoothing, weights=weights)
        training = fit(
            model.classifier.to(device),
            learning,
            validating,
            self._recipe(seed),
            loss=self._loss,
            classes=model.classes,
            around=Surroundings(steer=self._steer, resume="The model keeps what it has learnt"),
            optimiser_state=model.optimiser_state,
        )
        model.optimiser_state = training.stepper.optimiser.state_dict()["state"]
        for callback in self._callbacks:
            callback.on_train_end()
        return self.history

    def _begin(self, steps: int) -> None:
        self.model.stop_training = False
        self._lines = EpochLines(self.epochs, steps)
        for callback in self._callbacks:
            callback.on_train_begin()
        for callback in self._callbacks:
            callback.on_epoch_begin(0)

    def _recipe(self, seed: int) -> Recipe:
        optimizer = self.model.optimizer
        self._peak = optimizer.learning_rate
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimiser=optimizer.kind,
            peak_rate=self._peak,
            schedule="constant",
            warmup=0.0,
            seed=seed,
            **optimizer.settings,
        )

    def _steer(self, history: Sequence[Epoch]) -> float:
        """Tell the callbacks of the epoch; what they set is how it goes on."""
        model, epoch = self.model, history[-1]
        logs = model.logs(epoch.loss, self._loss.take_accuracy())
        if epoch.val:
            logs |= model.logs(epoch.val["nll"], epoch.val["accuracy"], "val_")
        for callback in self._callbacks:
            callback.on_epoch_end(epoch.epoch - 1, logs)
        if self.loud:
            self._lines.epoch(epoch.epoch, logs)
        if model.stop_training:
            return 0.0
        if epoch.epoch < self.epochs:
            for callback in self._callbacks:
                callback.on_epoch_begin(epoch.epoch)
        return model.optimizer.learning_rate / self._peak


def _weights(class_weight: Mapping[int, float], classes: int) -> Tensor | None:
    """{class: weight} to `(classes,)`; a class that is not named weighs 1."""
    if not class_weight:
        return None
    weights = torch.ones(classes)
    for number, weight in class_weight.items():
        if number not in range(classes):
            raise ArgumentError("class_weight", number, f"classes from 0 to {classes - 1}")
        weights[number] = weight
    return weights
