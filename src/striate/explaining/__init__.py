"""Where a network looks: maps over the picture that say what an answer rests on."""

from striate.explaining.gradcam import gradcam as gradcam

__all__ = ["gradcam"]
