"""Makes quantizers.txt: every weight quantizer, forward and backward, in PyTorch and float64.

Run by hand where PyTorch is installed (Debian: python3-torch); the tests read only the text file:

    /usr/bin/python3 tests/plugins/reference/quantizers.py > tests/plugins/reference/quantizers.txt

Straight-through steps are compositions whose gradients autograd derives (clamp, detach); only
pseudo-gradients that are a formula of their own are written out. The case "given" has the weights
and dL/dq, every other case q and dL/dw. Numbers are hexadecimal, so nothing is lost in writing.
"""

import torch

ROWS, COLS = 7, 5


def show(name, tensor):
    values = tensor.detach().reshape(-1).tolist()
    print(name, len(values), *(float(v).hex() for v in values))


def given():
    generator = torch.Generator().manual_seed(11)
    w = 0.9 * torch.randn(ROWS, COLS, generator=generator, dtype=torch.float64)
    w[0] = torch.tensor([0.0, 1.0, -1.0, 0.05, -0.05])
    w[1, 0] = 2.5
    dq = torch.randn(ROWS, COLS, generator=generator, dtype=torch.float64)
    return w.float().double(), dq.float().double()


def sign(x):
    """The sign with sign(0) = +1."""
    return torch.where(x >= 0, torch.ones_like(x), -torch.ones_like(x))


def through(x, stepped):
    """The value `stepped` with the gradient of x."""
    return stepped.detach() + (x - x.detach())


def clipped(x, clip):
    return x.clamp(-clip, clip) if clip else x


def ste_sign(w, clip):
    x = clipped(w, clip)
    return through(x, sign(x))


def magnitude_aware_sign(w, clip):
    return w.abs().mean(dim=0).detach() * ste_sign(w, clip)


def ste_tern(w, threshold, twn, clip):
    x = clipped(w, clip)
    delta = 0.7 * x.abs().sum().detach() / x.numel() if twn else threshold
    return through(x, torch.sign(torch.sign(x + delta) + torch.sign(x - delta)))


def ste_heaviside(w, clip):
    x = clipped(w, clip)
    return through(x, torch.sign(torch.relu(x)))


def dorefa(w, bits):
    n = 2**bits - 1
    t = torch.tanh(w)
    x = t / (2 * t.abs().max().detach()) + 0.5
    return 2 * (through(x, torch.round(n * x) / n)) - 1


def clamped_binary(w, scale):
    return ste_sign(w, scale) * scale


def scaled_ternary(w, scale, threshold):
    mask = (w.abs() > threshold * scale).double()
    return mask * through(w, torch.sign(w)) * scale


class ApproxSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return sign(w)

    @staticmethod
    def backward(ctx, dq):
        (w,) = ctx.saved_tensors
        return torch.where(w.abs() <= 1, 2 * (1 - w.abs()) * dq, torch.zeros_like(dq))


class SwishSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, beta):
        ctx.save_for_backward(w)
        ctx.beta = beta
        return sign(w)

    @staticmethod
    def backward(ctx, dq):
        (w,) = ctx.saved_tensors
        z = ctx.beta * w
        return ctx.beta * (2 - z * torch.tanh(z / 2)) / (1 + torch.cosh(z)) * dq, None


CASES = {
    "ste_sign": lambda w: ste_sign(w, 1.0),
    "ste_sign_narrow": lambda w: ste_sign(w, 0.5),
    "ste_sign_unclipped": lambda w: ste_sign(w, None),
    "approx_sign": ApproxSign.apply,
    "swish_sign": lambda w: SwishSign.apply(w, 5.0),
    "swish_sign_flat": lambda w: SwishSign.apply(w, 1.5),
    "magnitude_aware_sign": lambda w: magnitude_aware_sign(w, 1.0),
    "ste_tern": lambda w: ste_tern(w, 0.25, False, 1.0),
    "ste_tern_twn": lambda w: ste_tern(w, None, True, 1.0),
    "ste_heaviside": lambda w: ste_heaviside(w, 1.0),
    "dorefa_1": lambda w: dorefa(w, 1),
    "dorefa_2": lambda w: dorefa(w, 2),
    "dorefa_5": lambda w: dorefa(w, 5),
    "clamped_binary": lambda w: clamped_binary(w, 0.5),
    "scaled_ternary": lambda w: scaled_ternary(w, 0.5, 0.75),
}


def main():
    start, dq = given()
    print("case given")
    show("w", start)
    show("dq", dq)
    for name, quantize in CASES.items():
        w = start.clone().requires_grad_()
        q = quantize(w)
        q.backward(dq)
        print("case", name)
        show("q", q)
        show("dw", w.grad)


main()
