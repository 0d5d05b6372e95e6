#!/usr/bin/python3
"""Writes tests/plugins/loss_golden.inc: cross_entropy and huber by PyTorch, in float64.

Needs python3-torch (Debian 12: 1.13.1). Run from anywhere; the file is written beside the tests.
"""
import pathlib

import torch

torch.set_default_dtype(torch.float64)


def rows(tensor):
    lines = (", ".join(repr(v) for v in row) for row in tensor.tolist())
    return "{" + ",\n     ".join("{" + line + "}" for line in lines) + "}"


def emit(name, prediction, target, loss):
    prediction.requires_grad_(True)
    value = loss(prediction, target)
    value.backward()
    return (f'    {{"{name}",\n     {rows(prediction.detach())},\n     {rows(target)},\n'
            f"     {value.item()!r},\n     {rows(prediction.grad)}}},\n")


def main():
    generator = torch.Generator().manual_seed(7)
    draw = lambda *size: (torch.randn(*size, generator=generator) * 1024).round() / 256
    soft = torch.tensor([[4, 8, 0, 4], [1, 2, 5, 8], [16, 0, 0, 0]]) / 16
    hot = torch.nn.functional.one_hot(torch.tensor([2, 0, 3]), 4).double()
    entropy = torch.nn.functional.cross_entropy
    huber = lambda delta: lambda p, t: torch.nn.functional.huber_loss(p, t, delta=delta)
    text = f"// Written by tests/plugins/reference/losses.py with PyTorch {torch.__version__}.\n"
    text += emit("one-hot", draw(3, 4), hot, entropy)
    text += emit("soft", draw(3, 4), soft, entropy)
    text += emit("far", 10 * draw(3, 4), soft, entropy)
    text += emit("huber 1", draw(3, 4), draw(3, 4), huber(1.0))
    text += emit("huber 3", draw(3, 4), draw(3, 4), huber(3.0))
    pathlib.Path(__file__).parent.parent.joinpath("loss_golden.inc").write_text(text)


if __name__ == "__main__":
    main()
