"""Makes golden_classifier.txt: five training steps of a small classifier in PyTorch, in float64.

Run by hand where PyTorch is installed (Debian: python3-torch); the tests read only the text file:

    /usr/bin/python3 tests/train/golden_classifier.py > tests/train/golden_classifier.txt

dense - tanh - dense, mean squared error against rows that are 1 at the label, Adam under a cosine
schedule with warm-up, the gradient clipped to a norm that is below its own in every step. PyTorch's
own clip_grad_norm_ adds 1e-6 to the norm, so the clip is written out. Numbers are hexadecimal.
"""

import torch

D, K, C, BATCH, STEPS = 7, 5, 4, 6, 5
LR, FINAL, WARMUP, NORM = 0.02, 0.1, 2, 0.05


def show(name, tensor):
    values = tensor.detach().reshape(-1).tolist()
    print(name, len(values), *(float(v).hex() for v in values))


generator = torch.Generator().manual_seed(11)
data = torch.rand(STEPS * BATCH, D, generator=generator, dtype=torch.float64)
labels = torch.randint(0, C, (STEPS * BATCH,), generator=generator)
weights = {}
for name, shape in {
    "code/weights": (D, K),
    "code/bias": (1, K),
    "output/weights": (K, C),
    "output/bias": (1, C),
}.items():
    start = 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1
    weights[name] = start.requires_grad_()
print("case cosine_norm_adam")
show("data", data)
show("labels", labels)
for name, value in weights.items():
    show("initial " + name, value)
optimizer = torch.optim.Adam(weights.values(), lr=LR, eps=1e-8)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, eta_min=LR * FINAL)
for step in range(STEPS):
    rows = slice(step * BATCH, (step + 1) * BATCH)
    code = torch.tanh(data[rows] @ weights["code/weights"] + weights["code/bias"])
    output = code @ weights["output/weights"] + weights["output/bias"]
    target = torch.nn.functional.one_hot(labels[rows], C).to(torch.float64)
    loss = torch.nn.functional.mse_loss(output, target)
    optimizer.zero_grad()
    loss.backward()
    norm = torch.sqrt(sum((w.grad**2).sum() for w in weights.values()))
    assert norm > 1.2 * NORM, (step, norm)
    for value in weights.values():
        value.grad *= min(1.0, NORM / float(norm))
    scheduled = optimizer.param_groups[0]["lr"]
    optimizer.param_groups[0]["lr"] = scheduled * min(1.0, (step + 1) / WARMUP)
    show(f"terms {step}", loss)
    show(f"error {step}", (output.argmax(dim=1) != labels[rows]).sum())
    for name, value in weights.items():
        show(f"gradient {step} {name}", value.grad)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = scheduled  # The scheduler goes on from its own.
    cosine.step()
    for name, value in weights.items():
        show(f"weights {step} {name}", value)
