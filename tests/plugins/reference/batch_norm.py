#!/usr/bin/env python3
"""Makes batch_norm.txt: what PyTorch computes for batch normalization, in double.

    batch_norm.py > batch_norm.txt

Variant variance is torch.nn.BatchNorm1d itself. Variant deviation divides by std + eps and keeps a
running standard deviation, as BinaryConnect does; there autograd differentiates the formula as
written. Two training steps and an evaluation for each. Inputs are the same small closed form that
the test computes, so only results are stored. Made with PyTorch 1.13.
"""

import math

import torch

ROWS, COLS, MOMENTUM, EPSILON = 7, 3, 0.15, 1e-2
torch.set_default_dtype(torch.float64)


def numbers(salt):
    return torch.tensor(
        [[math.sin(1.7 * i + 0.9 * j + salt) * (1 + j) + 0.5 * j for j in range(COLS)]
         for i in range(ROWS)])


class Deviation(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(COLS))
        self.bias = torch.nn.Parameter(torch.zeros(COLS))
        self.running_mean = torch.zeros(COLS)
        self.running_var = torch.ones(COLS)  # Of deviations here.

    def forward(self, x):
        if not self.training:
            return (x - self.running_mean) / (self.running_var + EPSILON) * self.weight + self.bias
        mean = x.mean(0)
        deviation = ((x - mean) ** 2).mean(0).sqrt()
        with torch.no_grad():
            self.running_mean = (1 - MOMENTUM) * self.running_mean + MOMENTUM * mean
            self.running_var = (1 - MOMENTUM) * self.running_var + MOMENTUM * deviation
        return (x - mean) / (deviation + EPSILON) * self.weight + self.bias


def show(name, values):
    numbers = [float(v).hex() for v in values.detach().flatten()]
    print(name, len(numbers), *numbers)


for name, module in (("variance", torch.nn.BatchNorm1d(COLS, eps=EPSILON, momentum=MOMENTUM)),
                     ("deviation", Deviation())):
    with torch.no_grad():
        module.weight.copy_(torch.tensor([0.5, -1.5, 2.0]))
        module.bias.copy_(torch.tensor([0.1, 0.2, -0.3]))
    module.train()
    for step in range(2):
        x = numbers(step).requires_grad_()
        y = module(x)
        module.zero_grad()
        y.backward(numbers(10 + step))
    print("case", name)
    show("y", y)
    show("dx", x.grad)
    show("dgain", module.weight.grad)
    show("dbias", module.bias.grad)
    show("running_mean", module.running_mean)
    show("running_spread", module.running_var)
    module.eval()
    show("evaluated", module(numbers(5)))
