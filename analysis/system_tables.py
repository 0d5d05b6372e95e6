"""Prints the tables of docs/systems.md from the results.h5 of the experiments on published systems.

    system_tables.py hashing    runs/semantic_hashing/results.h5
    system_tables.py l1_penalty runs/l1_penalty/results.h5
    system_tables.py softmax_kl runs/keras_softmax_kl/results.h5

Markdown; every figure is the mean over seeds, with the sample standard deviation where there is
more than one. Trials that did not complete are left out, and counted below the table.
"""

import sys

import numpy as np

from aesweep_results import Results

SEED = "p_train_seed"
CODE = "p_model_layers_code_activation"
BITS = "p_model_layers_code_units"
WEIGHT = "p_model_layers_code_regularizers_l1_coefficient"
BINARIZATIONS = ("zero", "mean", "median", "itq")
# Of codes/BINARIZATION/..., with their headings and digits after the point.
CODE_FIGURES = (
    ("mse", "MSE", 4),
    ("map", "mAP", 3),
    ("precision_100", "P@100", 3),
    ("precision_500", "P@500", 3),
    ("precision_radius", "P r<=2", 3),
    ("empty_queries", "empty", 0),
    ("entropy", "entropy", 3),
    ("balance", "balance", 3),
    ("correlation", "corr.", 3),
    ("distinct", "distinct", 0),
)


def figure(values, digits):
    """Mean and spread as text; an exponent (digits < 0) for what spans powers of ten."""
    values = np.asarray(values, dtype=float)
    form = f"{{:.{digits}f}}" if digits >= 0 else "{:.3g}"
    text = form.format(values.mean())
    return text if len(values) < 2 else f"{text} ± {form.format(values.std(ddof=1))}"


def table(headings, rows):
    """Prints a Markdown table; the first columns are names, all cells are text."""
    print("| " + " | ".join(headings) + " |")
    print("|" + "---|" * len(headings))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def completed(results):
    """The completed trials, and a line about the others."""
    trials = results.trials
    done = trials[trials.status == "completed"]
    seeds = sorted(done[SEED].unique()) if SEED in done else []
    note = f"{len(done)} of {len(trials)} trials completed; seeds: {', '.join(map(str, seeds))}."
    return done, note


def hashing(results):
    """Bits by method: codes trained to be binary at 0, real codes made binary in four ways."""
    done, note = completed(results)
    rows = []
    for bits in sorted(done[BITS].unique()):
        of_bits = done[done[BITS] == bits]
        for method in dict.fromkeys(done[CODE]):
            group = of_bits[of_bits[CODE] == method]
            if group.empty:
                continue
            for kind in BINARIZATIONS if method == "real" else ("zero",):
                name = f"real, {kind}" if method == "real" else method
                row = [str(bits), name, figure(group["test_mse"], 4)]
                for metric, _, digits in CODE_FIGURES:
                    row.append(figure(group[f"codes_{kind}_{metric}"], digits))
                rows.append(row)
    table(["bits", "method", "MSE, code as trained", *(h for _, h, _ in CODE_FIGURES)], rows)
    print(f"\n{note}")


def code_units(results, trial):
    return results.samples(trial)["codes"].shape[1]


def l1_penalty(results):
    """The fraction of near-zero code units by the weight of the penalty."""
    done, note = completed(results)
    units = code_units(results, done.index[0])
    rows = []
    for weight, group in done.groupby(WEIGHT):
        near_zero = 1.0 - group["test_l0"] / units
        rows.append(
            [f"{weight:g}", figure(near_zero, 3), figure(group["test_dead"], 3)]
            + [figure(group[name], -1) for name in ("test_mean_activation", "test_mse")]
            + [figure(group["test_fvu"], 3)]
        )
    table(["weight", "near zero", "dead", "mean activation", "MSE", "FVU"], rows)
    print(f"\nnear zero = 1 - l0 / {units}. {note}")


def weights_apart(results, left, right):
    """The largest difference between two trials' final weights."""
    a, b = results.weights(left), results.weights(right)
    return max(float(np.abs(a[name] - b[name]).max()) for name in a)


def softmax_kl(results):
    """Sparsity by variant, and how far the penalty moves the weights."""
    done, note = completed(results)
    rows = []
    for variant in dict.fromkeys(done["p_model"]):
        group = done[done["p_model"] == variant]
        digits = (("test_mse", 4), ("test_fvu", 3), ("test_l0", 2), ("test_dead", 3))
        rows.append(
            [variant]
            + [figure(group[name], n) for name, n in digits]
            + [figure(group[f"test_{name}"], -1) for name in ("mean_activation",)]
            + [figure(group["test_loss_code_penalty"], -1)]
        )
    headings = ["variant", "MSE", "FVU", "active of " + str(code_units(results, done.index[0]))]
    table([*headings, "dead", "mean activation", "penalty on the code"], rows)
    print()
    for variant in ("softmax_kl", "softmax_kl_divided"):
        pairs = done[done["p_model"].isin([variant, "no_penalty"])].groupby(SEED)
        apart = [weights_apart(results, *g.index) for _, g in pairs if len(g) == 2]
        if apart:
            print(f"Final weights of {variant} and no_penalty differ by at most {max(apart):g}.")
    print(note)


TABLES = {"hashing": hashing, "l1_penalty": l1_penalty, "softmax_kl": softmax_kl}


def main(arguments):
    if len(arguments) != 3 or arguments[1] not in TABLES:
        print(f"usage: system_tables.py {' | '.join(TABLES)} RESULTS.h5", file=sys.stderr)
        return 2
    with Results(arguments[2]) as results:
        TABLES[arguments[1]](results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
