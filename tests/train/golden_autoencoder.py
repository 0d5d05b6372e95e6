"""Makes golden_autoencoder.txt: five training steps of small autoencoders in PyTorch, in float64.

Run by hand where PyTorch is installed (Debian: python3-torch); the tests read only the text file:

    /usr/bin/python3 tests/train/golden_autoencoder.py > tests/train/golden_autoencoder.txt

Every case gives the data, the initial weights and, for each step, the loss terms, every gradient
and every weight after the step. Numbers are hexadecimal, so that nothing is lost in writing.
"""

import math

import torch

D, K, BATCH, STEPS = 7, 5, 6, 5


def show(name, tensor):
    values = tensor.detach().reshape(-1).tolist()
    print(name, len(values), *(float(v).hex() for v in values))


def kl(rho, rho_hat):
    return (rho * torch.log(rho / rho_hat) + (1 - rho) * torch.log((1 - rho) / (1 - rho_hat))).sum()


CASES = {
    # code activation, loss, penalty on the code, optimizer
    "tanh_l1_mse_adam": dict(
        code=torch.tanh,
        loss=torch.nn.MSELoss(),
        penalty=lambda h: 0.1 * h.abs().sum() / BATCH,
        optimizer=lambda p: torch.optim.Adam(p, lr=0.01),
    ),
    "sigmoid_kl_bce_sgd": dict(
        code=torch.sigmoid,
        loss=torch.nn.BCELoss(),
        penalty=lambda h: 0.5 * kl(0.1, h.mean(dim=0)),
        optimizer=lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9),
    ),
    "relu_l1sum_mse_adagrad": dict(
        code=torch.relu,
        loss=torch.nn.MSELoss(),
        penalty=lambda h: 0.01 * h.abs().sum(),
        optimizer=lambda p: torch.optim.Adagrad(p, lr=0.05, eps=1e-10),
    ),
}
L2 = 0.02  # L2 / 2 * sum of squares, on both weight matrices.


def run(name, case):
    generator = torch.Generator().manual_seed(5)
    data = torch.rand(STEPS * BATCH, D, generator=generator, dtype=torch.float64)
    shapes = {
        "code/weights": (D, K),
        "code/bias": (1, K),
        "output/weights": (K, D),
        "output/bias": (1, D),
    }
    weights = {}
    for tensor, shape in shapes.items():
        limit = math.sqrt(6.0 / (D + K))
        start = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * limit
        weights[tensor] = start.requires_grad_()
    print("case", name)
    show("data", data)
    for tensor, value in weights.items():
        show("initial " + tensor, value)
    optimizer = case["optimizer"](list(weights.values()))
    for step in range(STEPS):
        x = data[step * BATCH : (step + 1) * BATCH]
        code = case["code"](x @ weights["code/weights"] + weights["code/bias"])
        output = torch.sigmoid(code @ weights["output/weights"] + weights["output/bias"])
        loss = case["loss"](output, x)
        penalty = case["penalty"](code)
        decay = [L2 / 2 * (weights[t] ** 2).sum() for t in ("code/weights", "output/weights")]
        optimizer.zero_grad()
        (loss + penalty + sum(decay)).backward()
        show(f"terms {step}", torch.stack([loss, penalty, *decay]))
        for tensor, value in weights.items():
            show(f"gradient {step} {tensor}", value.grad)
        optimizer.step()
        for tensor, value in weights.items():
            show(f"weights {step} {tensor}", value)


for case_name, parts in CASES.items():
    run(case_name, parts)
