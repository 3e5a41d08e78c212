"""`Sequential`: Keras' model of layers in a row, as a front on the training floor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from striate.data.order import Order
from striate.errors import ArgumentError, StriateError
from striate.sequential import feed, weights
from striate.sequential.assembly import Part, assembled, built
from striate.sequential.base import Layer, MissingError, Shape, inner_shape, outer_shape, snake
from striate.sequential.base import refuse as _refuse
from striate.sequential.callbacks import Callback, History
from striate.sequential.display import figures, table
from striate.sequential.fitting import Fitting
from striate.sequential.losses import CategoricalCrossentropy, loss_for
from striate.sequential.optimizers import Optimizer, optimizer_for
from striate.sequential.plain import Input
from striate.training import dist
from striate.training import evaluate as tally_of

_BATCH = 32
_ACCURACIES = ("acc", "accuracy")


class Sequential:
    """Layers one after another; `net` is the plain `nn.Module` they make, which gives logits."""

    def __init__(
        self, layers: Iterable[Layer | Input] = (), name: str = "sequential", **extra: object
    ) -> None:
        _refuse("Sequential", extra)
        self.name = name
        self.layers: list[Layer] = []
        self.stop_training = False
        self.optimiser_state: dict[int, Any] = {}
        """What the optimiser knew at the end of the last `fit`."""
        self._shape: Shape | None = None
        self._parts: list[Part] = []
        self._assembled: tuple[nn.Sequential, str] | None = None
        self._loss: CategoricalCrossentropy | None = None
        for layer in layers:
            self.add(layer)

    def add(self, layer: Layer | Input) -> None:
        """Put a layer behind the others."""
        if isinstance(layer, Input):
            if self.layers or self._shape:
                raise ArgumentError("layer", "Input", "the input before all layers, once")
            self._shape = layer.shape
            return
        if not isinstance(layer, Layer):
            raise ArgumentError("layer", layer, "a layer of striate.sequential.layers")
        if any(layer is other for other in self.layers):
            raise MissingError(f"sharing of one {layer.kind} between places")
        if not self.layers and layer.input_shape:
            self._shape = layer.input_shape
        self.layers.append(layer)
        if self._shape:
            self._grow()

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Fix the input's shape, `(None, H, W, C)`, where no `Input` has."""
        if self._shape is None:
            self._shape = inner_shape(input_shape[1:])  # type: ignore[arg-type]
        self._grow()

    @property
    def net(self) -> nn.Sequential:
        """The network in torch's order: `(B, C, H, W)` to logits; see `assembly`."""
        return self._whole()[0]

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """`(None, H, W, C)`."""
        self._whole()
        assert self._shape
        return (None, *outer_shape(self._shape))

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """`(None, classes)`."""
        self._whole()
        return (None, *outer_shape(self._parts[-1].output))

    def count_params(self) -> int:
        """All parameters."""
        return sum(parameter.numel() for parameter in self.net.parameters())

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers, what comes out of them, and their parameters."""
        self._whole()
        print_fn(table(self.name, self._parts))

    def compile(
        self,
        optimizer: str | Optimizer = "rmsprop",
        loss: str | CategoricalCrossentropy | None = None,
        metrics: Sequence[str] | None = None,
        **extra: object,
    ) -> None:
        """Say how to learn: optimiser, cross-entropy, and whether to count what is right."""
        _refuse("compile", extra)
        if loss is None:
            raise ArgumentError("loss", loss, "a cross-entropy, as 'categorical_crossentropy'")
        for metric in metrics or ():
            if metric not in _ACCURACIES:
                raise MissingError(f"metric {metric!r}", "There is 'accuracy'")
        self.optimizer = optimizer_for(optimizer)
        self.optimiser_state = {}
        self._loss = loss_for(loss)
        self._metrics = tuple(metrics or ())

    def fit(  # noqa: PLR0913 - Keras' own arguments
        self,
        x: feed.Array,
        y: feed.Array,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[Callback] = (),
        validation_split: float = 0.0,
        validation_data: tuple[feed.Array, feed.Array] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        **extra: object,
    ) -> History:
        """Learn from pictures `(N, H, W, C)` and labels, whole numbers or one-hot.

        `validation_split` keeps the last share of the samples to validate with. `accuracy` is that
        of the batches as they were learnt from, `val_loss` the plain cross-entropy. Another
        call goes on where the optimiser stood, until the model is compiled again.
        """
        _refuse("fit", extra)
        fitting = Fitting(
            self,
            batch_size=batch_size or _BATCH,
            epochs=epochs,
            loud=verbose not in (0, "0"),
            callbacks=callbacks or (),
        )
        train = self._labelled(x, y)
        val = None if validation_data is None else self._labelled(*validation_data)
        return fitting.run(train, val, validation_split, shuffle, class_weight or {})

    def evaluate(
        self,
        x: feed.Array,
        y: feed.Array,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        return_dict: bool = False,
        **extra: object,
    ) -> Any:
        """`[loss, accuracy]`, the loss alone without metrics, or both by name."""
        _refuse("evaluate", extra)
        samples, labels = self._labelled(x, y)
        order = Order(batch_size or _BATCH, shuffle=False)
        data = feed.loader(samples, labels, order, self.device)
        scores = tally_of(self.classifier.to(self.device), data, self.classes).scores()
        found = self.logs(scores.nll, scores.accuracy)
        if verbose not in (0, "0"):
            print(f"{len(data)}/{len(data)} - {figures(found)}")
        values = [found["loss"], *(found[name] for name in self._metrics)]
        return found if return_dict else values if self._metrics else values[0]

    @torch.inference_mode()
    def predict(
        self,
        x: feed.Array,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        **extra: object,
    ) -> NDArray[np.float32]:
        """Samples `(N, H, W, C)` to what the last layer gives: `(N, classes)` probabilities."""
        _refuse("predict", extra)
        self._ready(x)
        assert self._shape
        net, head = self._whole()
        net.to(self.device).eval()
        found = []
        for batch in feed.samples(x, self._shape).split(batch_size or _BATCH):
            y = net(feed.as_float(batch.to(self.device)))
            y = y.softmax(1) if head == "softmax" else y.sigmoid() if head == "sigmoid" else y
            found.append(y.movedim(1, -1).float().cpu())
        return torch.cat(found).numpy()

    def save_weights(self, filepath: str | Path) -> None:
        """The weights of `net` as safetensors."""
        weights.save(self.net, filepath)

    def load_weights(self, filepath: str | Path) -> None:
        """What `save_weights` wrote, back into a model of the same layers."""
        weights.load(self.net, filepath)

    @property
    def device(self) -> torch.device:
        """Where it computes: on a GPU if there is one."""
        return dist.device()

    @property
    def classes(self) -> int:
        """How many classes the last layer tells apart, and that the loss fits it."""
        head, (units, *places) = self._whole()[1], self._parts[-1].output
        loss = self.loss
        expected = "linear" if loss.from_logits else loss.last
        if head != expected or places or (units == 1) != (loss.last == "sigmoid"):
            units_wanted = "one unit" if loss.last == "sigmoid" else "a unit for every class"
            raise ArgumentError(
                "loss",
                type(loss).__name__,
                f"to follow a last layer of {units_wanted}, activation {expected!r}; this "
                f"model's gives {self.output_shape}, {head!r}",
                remedy=""
                if loss.from_logits
                else "For outputs that are logits, the loss has from_logits=True",
            )
        return max(2, units)

    @property
    def loss(self) -> CategoricalCrossentropy:
        """The loss of `compile`."""
        if self._loss is None:
            raise StriateError("the model is not compiled", remedy="Call compile(...) first")
        return self._loss

    @property
    def classifier(self) -> feed.Classifier:
        """`net` for the batches of a loader."""
        net, _ = self._whole()
        assert self._shape
        return feed.Classifier(net, self._shape, self.loss.last == "sigmoid")

    def logs(self, loss: float, accuracy: float, prefix: str = "") -> dict[str, float]:
        """The figures by the names that `compile` gave them."""
        found = {f"{prefix}{name}": accuracy for name in self._metrics}
        return {**found, f"{prefix}loss": loss}

    def _labelled(self, x: feed.Array, y: feed.Array) -> tuple[torch.Tensor, torch.Tensor]:
        self._ready(x)
        assert self._shape
        samples = feed.samples(x, self._shape)
        return samples, feed.labels(y, len(samples), self.classes)

    def _ready(self, x: feed.Array) -> None:
        if self._shape is None:
            self.build((None, *np.shape(x)[1:]))

    def _grow(self) -> None:
        """Build the layers that came since the last time."""
        assert self._shape
        for layer in self.layers[len(self._parts) :]:
            shape = self._parts[-1].output if self._parts else self._shape
            self._parts.append(built(layer, self._name(layer), shape))
            self.optimiser_state = {}  # its numbers are places in the order of all weights
            self._assembled = None

    def _name(self, layer: Layer) -> str:
        taken = {part.name for part in self._parts}
        if layer.name is not None:
            if layer.name in taken:
                raise ArgumentError("name", layer.name, "a name that no other layer has")
            return layer.name
        plain = snake(layer.kind)
        names = (f"{plain}_{count}" if count else plain for count in range(len(taken) + 1))
        return next(name for name in names if name not in taken)

    def _whole(self) -> tuple[nn.Sequential, str]:
        if not self._parts:
            raise StriateError(
                "the model has no layers yet" if not self.layers else "the input is not known yet",
                remedy="Begin with Input(shape=...), and layers",
            )
        if self._assembled is None:
            self._assembled = assembled(self._parts)
        return self._assembled
