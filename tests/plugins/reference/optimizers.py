"""Makes optimizers.txt: twenty steps of every optimizer in PyTorch, in float64.

Run by hand where PyTorch is installed (Debian: python3-torch); the tests read only the text file:

    /usr/bin/python3 tests/plugins/reference/optimizers.py > tests/plugins/reference/optimizers.txt

The case "given" has the initial weights and the gradients, every other case the weights after each
step. bop and binary_connect, which PyTorch lacks, are written out below from their definitions.
Numbers are hexadecimal, so that nothing is lost in writing.
"""

import math

import torch

STEPS, COUNT = 20, 6
RATE_FACTORS = [1.0 / (1 + step % 4) for step in range(STEPS)]


def show(name, values):
    values = [float(v) for v in values]
    print(name, len(values), *(v.hex() for v in values))


def given():
    """Weights, and gradients of several sizes: ordinary ones, tiny, huge, and always zero."""
    generator = torch.Generator().manual_seed(7)
    weights = 2.0 * torch.rand(COUNT, generator=generator, dtype=torch.float64) - 1.0
    gradients = torch.randn(STEPS, COUNT, generator=generator, dtype=torch.float64)
    gradients[:, 3] *= 1e-6
    gradients[:, 4] *= 1e3
    gradients[:, 5] = 0.0
    # The same numbers in float, so that both scalars start from them.
    return weights.float().double(), gradients.float().double()


WEIGHTS, GRADIENTS = given()

TORCH = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05, eps=1e-10),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.05),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.05),
    "rmsprop_momentum": lambda p: torch.optim.RMSprop(p, lr=0.05, momentum=0.9, alpha=0.9),
    "rmsprop_centered": lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.9, centered=True),
    "rmsprop_both": lambda p: torch.optim.RMSprop(
        p, lr=0.05, alpha=0.9, momentum=0.9, centered=True
    ),
}


def run_torch(make, scheduled):
    weights = WEIGHTS.clone().requires_grad_()
    optimizer = make([weights])
    rate = optimizer.param_groups[0]["lr"]
    path = []
    for step in range(STEPS):
        if scheduled:
            optimizer.param_groups[0]["lr"] = rate * RATE_FACTORS[step]
        weights.grad = GRADIENTS[step].clone()
        optimizer.step()
        path += weights.detach().tolist()
    return path


def run_bop(gamma, threshold, scheduled):
    """Helwegen et al. 2019, algorithm 1, on the signs of the weights; the schedule is gamma's."""
    w = [math.copysign(1.0, v) for v in WEIGHTS.tolist()]
    m = [0.0] * COUNT
    path = []
    for step in range(STEPS):
        rate = gamma * RATE_FACTORS[step] if scheduled else gamma
        for i, g in enumerate(GRADIENTS[step].tolist()):
            m[i] = (1.0 - rate) * m[i] + rate * g
            if abs(m[i]) > threshold and math.copysign(1.0, m[i]) == w[i]:
                w[i] = -w[i]
        path += w
    return path


def run_binary_connect(limit, step_scale):
    """Adam, whose step is scaled; then the weights are clipped (BinaryConnect's W_LR_scale)."""
    weights = WEIGHTS.clone().requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=0.01)
    path = []
    for step in range(STEPS):
        previous = weights.detach().clone()
        weights.grad = GRADIENTS[step].clone()
        optimizer.step()
        with torch.no_grad():
            weights.copy_((previous + step_scale * (weights - previous)).clamp(-limit, limit))
        path += weights.detach().tolist()
    return path


def main():
    print("case given")
    show("weights", WEIGHTS.tolist())
    show("gradients", GRADIENTS.reshape(-1).tolist())
    show("rate_factors", RATE_FACTORS)
    for name, make in TORCH.items():
        print("case", name)
        show("path", run_torch(make, scheduled=False))
        show("scheduled", run_torch(make, scheduled=True))
    print("case bop")
    show("path", run_bop(gamma=0.125, threshold=0.0625, scheduled=False))
    show("scheduled", run_bop(gamma=0.125, threshold=0.0625, scheduled=True))
    print("case binary_connect")
    show("path", run_binary_connect(limit=0.75, step_scale=6.0))
    # Three rows of two columns.
    glorot = math.sqrt(1.5 / 5.0)
    show("glorot", run_binary_connect(limit=glorot, step_scale=1.0 / glorot))


main()
