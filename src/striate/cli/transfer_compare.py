"""`striate transfer-compare`: what a trained network is worth on one's own pictures, by mode."""

from __future__ import annotations

from typing import Annotated

import typer

from striate.cli.output import Json, Quiet, print_fitted, print_json, results, talk
from striate.cli.progress import progress


def transfer_compare(
    source: Annotated[str, typer.Argument(help="Pictures with classes, as for `striate train`.")],
    model: Annotated[
        str, typer.Option(help="A network with published weights that ends in a linear layer.")
    ] = "efficientnet_lite0",
    epochs: Annotated[
        float, typer.Option(help="Epochs of fine-tuning, and from scratch.", min=0.01)
    ] = 5.0,
    seed: Annotated[int, typer.Option(help="Decides the split, the weights and the order.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare feature extraction, fine-tuning and learning from scratch.

    The published weights are found or fetched as by `striate models`. Pictures are cut once, so
    all four ways are judged by the same ones.

    \b
    striate transfer-compare photos/
    striate transfer-compare photos/ --model resnet18 --epochs 10
    striate transfer-compare photos/ --json | jq '.attempts[].test.accuracy'
    """
    from striate.pipeline.transfers import compare_transfer

    with progress(talk(quiet)) as listeners:
        attempts = compare_transfer(source, model=model, epochs=epochs, seed=seed, talk=listeners)
    if json:
        rows = [attempt.to_dict() for attempt in attempts]
        print_json({"source": source, "model": model, "seed": seed, "attempts": rows})
        return
    table = []
    for one in attempts:
        scores = one.test or one.val
        low, high = scores.interval
        accuracy = f"{scores.accuracy:.1%} ({low:.1%} to {high:.1%})"
        val = f"{one.val.accuracy:.1%}"
        table.append([one.mode, f"{one.learning:,}", f"{one.seconds:.1f}", val, accuracy])
    judged = f"{'test' if attempts[0].test else 'validation'} accuracy (95 % interval)"
    heads = ("mode", "numbers that learn", "seconds", "validation accuracy", judged)
    spare = ("numbers that learn", "validation accuracy")
    print_fitted(heads, table, folded=(judged,), numbers=heads[1:4], spare=spare)
    n = (attempts[0].test or attempts[0].val).n
    results().print(f"Judged by {n:,} held-out pictures.", soft_wrap=True)
