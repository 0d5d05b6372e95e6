"""Prints the tables of docs/systems.md from the results.h5 of the experiments on published systems.

    system_tables.py hashing    runs/semantic_hashing/results.h5
    system_tables.py l1_penalty runs/l1_penalty/results.h5
    system_tables.py softmax_kl runs/keras_softmax_kl/results.h5

Markdown; every figure is the mean over seeds, with the sample standard deviation where there is
more than one. Trials that did not complete are left out, and counted below the table. Several files
of one experiment, such as one for each --set train.seed=N, make one table.
"""

import os
import sys

import numpy as np
import pandas

from aesweep_results import Results

SEED = "seed"  # There whether the experiment sweeps it or not.
SWEPT_SEED = "p_train_seed"
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


class Fault(Exception):
    """What is wrong with the files that were given, in one line."""


def opened(path):
    """The results in a file; a Fault if it has none."""
    if not os.path.isfile(path):
        raise Fault(f"{path}: there is no such file")
    try:
        return Results(path)
    except (OSError, ValueError) as reason:  # h5py's message does not name the file.
        text = str(reason)
        raise Fault(text if path in text else f"{path}: {text}") from reason


def swept(frame):
    """The columns of what the experiment sweeps beside the seed."""
    return sorted(n for n in frame.columns if n.startswith("p_") and n != SWEPT_SEED)


class Joined:
    """Results of one experiment from one file or more; a trial is named by (file, number)."""

    def __init__(self, paths):
        """Opens the files; a Fault if they are not of one experiment, or share trials."""
        self.files = [opened(path) for path in paths]
        frames = [results.trials for results in self.files]
        runs = [results.run for results in self.files]
        first = {}
        for place, (path, frame, run) in enumerate(zip(paths, frames, runs)):
            for fact in ("name", "data_fingerprint"):
                if run[fact] != runs[0][fact]:
                    raise Fault(
                        f"{path}: its {fact} is {run[fact]}, that of {paths[0]} {runs[0][fact]}; "
                        "join results of one experiment"
                    )
            if swept(frame) != swept(frames[0]):
                raise Fault(
                    f"{path}: sweeps {', '.join(swept(frame)) or 'nothing'}, but {paths[0]} "
                    f"{', '.join(swept(frames[0])) or 'nothing'}; join results of one experiment"
                )
            for number, key in frame["key"].items():
                if key in first:
                    other, place_of_other = first[key]
                    raise Fault(
                        f"{path}: trial {number} is also trial {other} of {paths[place_of_other]}; "
                        "give each once"
                    )
                first[key] = (number, place)
        self.trials = pandas.concat(frames, keys=range(len(frames)))

    def weights(self, trial):
        return self.files[trial[0]].weights(trial[1])

    def samples(self, trial):
        return self.files[trial[0]].samples(trial[1])


# Spreads below this part of the mean are what rounding leaves of equal values.
SPREAD_MIN = 1e-9


def figure(values, digits):
    """Mean and spread as text; an exponent (digits < 0) for what spans powers of ten."""
    values = np.asarray(values, dtype=float)
    form = f"{{:.{digits}f}}" if digits >= 0 else "{:.3g}"
    mean = values.mean()
    text = form.format(mean)
    if len(values) < 2:
        return text
    spread = values.std(ddof=1)
    return f"{text} ± {form.format(0.0 if spread < SPREAD_MIN * abs(mean) else spread)}"


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
    if done.empty:
        raise Fault(f"none of {len(trials)} trials completed")
    seeds = sorted(done[SEED].unique())
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


# By name, with the experiment whose results it takes.
TABLES = {
    "hashing": (hashing, "semantic_hashing"),
    "l1_penalty": (l1_penalty, "l1_penalty"),
    "softmax_kl": (softmax_kl, "keras_softmax_kl"),
}


def main(arguments):
    if len(arguments) < 3 or arguments[1] not in TABLES:
        print(f"usage: system_tables.py {' | '.join(TABLES)} RESULTS.h5...", file=sys.stderr)
        return 2
    write, experiment = TABLES[arguments[1]]
    paths = arguments[2:]
    try:
        write(Joined(paths))
    except Fault as fault:
        print(f"system_tables.py: {fault}", file=sys.stderr)
        return 2
    except KeyError as missing:  # A column or an object of the file.
        what = str(missing.args[0])
        print(
            f"system_tables.py: {paths[0]}: {'' if what.startswith('no ') else 'has no '}{what}; "
            f"{arguments[1]} takes results of experiments/{experiment}.yaml",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
