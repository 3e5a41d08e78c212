"""Make the compact golden files from the full references.

PYTHONPATH=tests python tests/golden/make_golden.py DIRECTORY

A reference (one JSON file a network: its state, counts, and float64 logits under the fill rule) was
computed by torchvision or timm. What is kept of it here: digests of names and shapes, the counts,
and some of the logits.
"""

import json
import sys
from pathlib import Path
from typing import Any

from golden_rule import digest, sampled

# Reference -> the name here, its options, and whether entries pair by name or in order.
OURS: dict[str, tuple[str, dict[str, Any], str]] = {
    "fasterrcnn_resnet50_fpn_frozenbn": ("fasterrcnn_resnet50_fpn", {"frozen_norm": True}, "name"),
    "googlenet_noaux": ("googlenet", {"aux": False}, "name"),
    "inception_v3_noaux": ("inception_v3", {"aux": False}, "name"),
    "timm_darknet53": ("darknet53", {}, "order"),
    "timm_efficientnet_lite0": ("efficientnet_lite0", {}, "order"),
    "timm_inception_v4": ("inception_v4", {}, "name"),
    "timm_legacy_xception": ("xception", {}, "name"),
    "timm_nf_resnet50": ("nf_resnet50", {}, "order"),
    "timm_resnetv2_50": ("resnetv2_50", {}, "order"),
    "timm_vgg16": ("vgg16", {"convolutional": True}, "order"),
}


def compact(name: str, reference: dict[str, Any]) -> dict[str, Any]:
    net, options, match = OURS.get(name, (name.split("@")[0], {}, "name"))
    state = reference["state"]
    kept: dict[str, Any] = {
        "source": reference["source"],
        "create": net,
        "options": options,
        "match": match,
        "names": digest([key for key, _, _ in state]),
        "shapes": digest([f"{key} {tuple(shape)}" for key, shape, _ in sorted(state)]),
        "entries": len(state),
        "params": reference["params_total"],
        "macs": _macs(reference),
    }
    if match == "order":
        kept["order"] = [key for key, _, kind in state if kind.startswith("float")]
    if reference.get("logits_f64") is not None:
        kept |= _logits(reference)
    return kept


def _macs(reference: dict[str, Any]) -> int | None:
    """Without auxiliary heads, which torchvision's segmentation runs in evaluation too."""
    if reference.get("macs") is None:
        return None
    aux = sum(call["macs"] for call in reference["trace"] if call["name"].startswith("aux"))
    return int(reference["macs"] - aux)


def _logits(reference: dict[str, Any]) -> dict[str, Any]:
    values = reference["logits_f64"]
    flat = [v for row in values for v in row] if isinstance(values[0], list) else values
    positions = reference.get("sample_index") or range(len(flat))
    picked = sampled(len(flat))
    return {
        "gain": reference["gain"],
        "input": reference["input_shape"],
        "output": reference["output_shape"],
        "largest": max(abs(v) for v in flat),
        "noise": reference["f32_noise"],
        "positions": [positions[i] for i in picked],
        "logits": [flat[i] for i in picked],
    }


def main(folder: Path) -> None:
    for path in sorted((folder / "models").glob("*.json")):
        kept = compact(path.stem, json.loads(path.read_text()))
        target = Path(__file__).parent / "zoo" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(kept, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
