"""Makes golden_systems.txt: five training steps of the three systems of docs/systems.md in PyTorch.

Run by hand where PyTorch is installed (Debian: python3-torch); the tests read only the text file:

    /usr/bin/python3 tests/train/golden_systems.py > tests/train/golden_systems.txt

Small widths, float64. Each system is written as its original is: the binary code and the L1 penalty
as autograd functions of their own, the softmax over the batch through autograd. Every case gives
the data, the initial weights and, for each step, the loss terms, every gradient and every weight
after the step. Numbers are hexadecimal, so that nothing is lost in writing.
"""

import math
import re

import torch
from torch.nn import functional

COLS, BATCH, STEPS = 5, 7, 5
RELU, HASH, CODE = 4, 3, 3  # Units of semantic hashing's two widths, and of the other two's code.

SURROGATES = {
    "tanh": lambda z: 1 - torch.tanh(z) ** 2,
    "identity": torch.ones_like,
    "clipped": lambda z: (z.abs() <= 1).to(z.dtype),
    "swish": lambda z: 5 * (2 - 5 * z * torch.tanh(5 * z / 2)) / (1 + torch.cosh(5 * z)),
    "approx": lambda z: 2 * torch.clamp(1 - z.abs(), min=0),
}


class Binary(torch.autograd.Function):
    """-1 where z < 0, else 1; backward with a surrogate for the derivative."""

    @staticmethod
    def forward(ctx, z, surrogate):
        ctx.save_for_backward(z)
        ctx.surrogate = surrogate
        return torch.where(z < 0, -torch.ones_like(z), torch.ones_like(z))

    @staticmethod
    def backward(ctx, dy):
        (z,) = ctx.saved_tensors
        return dy * ctx.surrogate(z), None


class SteepTanh(torch.autograd.Function):
    """tanh(s z). The derivative is s / cosh(s z)^2 and not, as PyTorch has it, s (1 - tanh(s z)^2),
    which loses its digits where tanh is near its ends: there this code is meant to be."""

    @staticmethod
    def forward(ctx, z, slope):
        ctx.save_for_backward(z)
        ctx.slope = slope
        return torch.tanh(slope * z)

    @staticmethod
    def backward(ctx, dy):
        (z,) = ctx.saved_tensors
        return dy * ctx.slope / torch.cosh(ctx.slope * z) ** 2, None


class L1Penalty(torch.autograd.Function):
    """The identity; backward adds the penalty's gradient, not divided by the batch."""

    @staticmethod
    def forward(ctx, h, weight):
        ctx.save_for_backward(h)
        ctx.weight = weight
        return h.clone()

    @staticmethod
    def backward(ctx, dy):
        (h,) = ctx.saved_tensors
        return dy + ctx.weight * h.sign(), None


def softmax_kl(x, rho, beta):
    rho_hat = torch.softmax(x, dim=0).mean(dim=0)
    kl = rho * torch.log(rho / rho_hat) + (1 - rho) * torch.log((1 - rho) / (1 - rho_hat))
    return beta * kl.sum()


def decay(weights, coefficient):
    return [coefficient / 2 * (w**2).sum() for n, w in weights.items() if n.endswith("/weights")]


def layer(weights, name, x):
    return x @ weights[name + "/weights"] + weights[name + "/bias"]


class SemanticHashing:
    """code maps the pre-activation and the number of finished steps to the code."""

    shapes = {"encoder": (COLS, RELU), "code": (RELU, HASH), "expander": (HASH, RELU),
              "decoder": (RELU, COLS)}

    def __init__(self, code, accumulator=0):
        self.code = code
        self.accumulator = accumulator

    def optimizer(self, parameters):
        return torch.optim.Adagrad(
            parameters, lr=0.05, eps=1e-6, initial_accumulator_value=self.accumulator
        )

    def terms(self, weights, x, step):
        hidden = torch.relu(layer(weights, "encoder", x))
        code = self.code(layer(weights, "code", hidden), step)
        hidden = torch.relu(layer(weights, "expander", code))
        output = functional.leaky_relu(layer(weights, "decoder", hidden), 0.01)
        terms = [functional.mse_loss(output, x), *decay(weights, 1e-4)]
        return sum(terms), terms


class L1Autoencoder:
    shapes = {"code": (COLS, CODE), "decoder": (CODE, COLS)}

    def __init__(self, weight):
        self.weight = weight

    def optimizer(self, parameters):
        return torch.optim.Adam(parameters, lr=1e-3)

    def terms(self, weights, x, step):
        code = torch.tanh(layer(weights, "code", x))
        output = torch.sigmoid(layer(weights, "decoder", L1Penalty.apply(code, self.weight)))
        loss = functional.mse_loss(output, x)
        # The penalty acts in backward alone; its value is what that is the gradient of.
        return loss, [loss, self.weight * code.abs().sum()]


class KerasAutoencoder:
    shapes = L1Autoencoder.shapes

    def __init__(self, divisor):
        self.divisor = divisor

    def optimizer(self, parameters):
        return torch.optim.Adam(parameters, lr=1e-3, eps=1e-7)

    def terms(self, weights, x, step):
        code = torch.relu(layer(weights, "code", x))
        output = torch.sigmoid(layer(weights, "decoder", code))
        penalties = [softmax_kl(y, 0.05, 3) / self.divisor for y in (code, output)]
        loss = functional.binary_cross_entropy(output, x)
        terms = [loss, *penalties, *decay(weights, 1e-3)]  # In our order: weights come last.
        return sum(terms), terms


CASES = {
    **{f"hashing_{name}": SemanticHashing(lambda z, _, s=slope: Binary.apply(z, s))
       for name, slope in SURROGATES.items()},
    "hashing_annealed": SemanticHashing(lambda z, t: SteepTanh.apply(z, 1 + t / STEPS * (20 - 1))),
    "hashing_real": SemanticHashing(lambda z, _: z),
    # As DL4J starts AdaGrad: with its epsilon in the accumulator.
    "hashing_dl4j": SemanticHashing(lambda z, _: Binary.apply(z, SURROGATES["tanh"]), 1e-6),
    "l1_penalty": L1Autoencoder(0.1),
    "keras": KerasAutoencoder(1),
    "keras_divided": KerasAutoencoder(BATCH),
}  # fmt: skip


def show(name, tensor):
    values = tensor.detach().reshape(-1).tolist()
    print(name, len(values), *(re.sub(r"\.?0*p", "p", float(v).hex()) for v in values))


def run(name, system):
    generator = torch.Generator().manual_seed(5)

    def uniform(*shape):  # Of few digits, which keeps the file small.
        return torch.randint(0, 1024, shape, generator=generator).double() / 1024

    data = uniform(STEPS * BATCH, COLS)
    weights = {}
    for of, (rows, cols) in system.shapes.items():
        limit = 2.0 ** round(math.log2(6.0 / (rows + cols)) / 2)
        weights[of + "/weights"] = ((2 * uniform(rows, cols) - 1) * limit).requires_grad_()
        weights[of + "/bias"] = ((2 * uniform(1, cols) - 1) * limit).requires_grad_()
    print("case", name)
    show("data", data)
    for tensor, value in weights.items():
        show("initial " + tensor, value)
    optimizer = system.optimizer(list(weights.values()))
    for step in range(STEPS):
        total, terms = system.terms(weights, data[step * BATCH : (step + 1) * BATCH], step)
        optimizer.zero_grad()
        total.backward()
        show(f"terms {step}", torch.stack(terms))
        for tensor, value in weights.items():
            show(f"gradient {step} {tensor}", value.grad)
        optimizer.step()
        for tensor, value in weights.items():
            show(f"weights {step} {tensor}", value)


for case_name, case in CASES.items():
    run(case_name, case)
