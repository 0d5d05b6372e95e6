"""Reads the results.h5 of an aesweep run with h5py, numpy and pandas.

The format, 1.x, is specified in runner/store/FORMAT.md.

    from aesweep_results import Results
    with Results("runs/quickstart-1/results.h5") as results:
        print(results.trials[["status", "p_optimizer_lr", "test_fvu"]])
        results.history.query("metric == 'test/fvu'")
        decoder = results.weights(1)["decoder_weights"]

Run as a program, it prints the table of trials of a file.
"""

import sys

import h5py
import numpy as np

FORMAT = "aesweep-results"
MAJOR = 1


def _text(value):
    """A fixed-length string of HDF5, which h5py gives as bytes, as str."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _frame(table):
    """A compound dataset as a pandas DataFrame with real strings."""
    import pandas

    rows = table[:]
    columns = {}
    for name in rows.dtype.names:
        column = rows[name]
        columns[name] = [_text(v) for v in column] if column.dtype.kind == "S" else column
    return pandas.DataFrame(columns)


class Results:
    """One results.h5, open for reading. Close it, or use it in a with statement.

    Tables (trials, history, plugins, runtime_trials) are pandas DataFrames, made when asked for;
    all else is numpy and str. Trials are named by their number, the index of `trials`.
    """

    def __init__(self, path):
        """Opens the file; ValueError if it is not a results file of format 1.x."""
        self.file = h5py.File(path, "r")
        form = _text(self.file.attrs.get("format", ""))
        version = _text(self.file.attrs.get("format_version", ""))
        if form != FORMAT or version.split(".")[0] != str(MAJOR):
            self.file.close()
            raise ValueError(
                f"{path}: its format is {form!r} {version!r}; this reader knows {FORMAT} {MAJOR}.x"
            )

    def close(self):
        """Closes the file; arrays and frames already read stay valid."""
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def trials(self):
        """One row per trial, indexed by trial number: status, seed, p_<parameter>, last metrics."""
        return _frame(self.file["trials"]).set_index("id")

    @property
    def history(self):
        """Long table of every metric's every value: trial, epoch, step, metric, value."""
        return _frame(self.file["history"])

    @property
    def plugins(self):
        """The components that the experiment used, with their libraries' hashes."""
        return _frame(self.file["plugins"])

    @property
    def metric_names(self):
        """The names that metric() takes, sorted."""
        return sorted(set(self.file["metrics"]) - {"trial", "epoch"})

    def metric(self, name):
        """(values[trial, epoch], trial numbers, epochs) of a metric; NaN where there is no value.

        The name may be the stored one (test_fvu) or the metric's own (test/fvu).
        """
        group = self.file["metrics"]
        stored = name.replace("/", "_").replace(".", "_")
        if stored not in self.metric_names:
            raise KeyError(f"no metric {name!r}; there are: {', '.join(self.metric_names)}")
        return group[stored][()], group["trial"][()], group["epoch"][()]

    def unit(self, name):
        """(unit, formula) of a metric."""
        attributes = self.file["metrics"][name.replace("/", "_").replace(".", "_")].attrs
        return _text(attributes["unit"]), _text(attributes["formula"])

    @property
    def parameters(self):
        """Parameter name, as the experiment has it, to one value per trial, in order of trials."""
        found = {}
        for dataset in self.file["params"].values():
            values = dataset[()]
            if values.dtype.kind == "S":
                values = np.array([_text(v) for v in values], dtype=object)
            found[_text(dataset.attrs["parameter"])] = values
        return found

    def _trial(self, trial):
        name = f"{int(trial):06d}"
        if "trial" not in self.file:
            raise KeyError("no weights or samples yet: the file was written while its run went on")
        if name not in self.file["trial"]:
            raise KeyError(f"no trial {trial}; there are {len(self.file['trial'])}")
        return self.file["trial"][name]

    def weights(self, trial, when="final"):
        """Tensor name to array, of a trial's final or initial weights; empty if none were kept."""
        if when not in ("initial", "final"):
            raise ValueError(f"when is 'initial' or 'final', not {when!r}")
        group = self._trial(trial).get(f"weights_{when}", {})
        return {name: dataset[()] for name, dataset in group.items()}

    def input_scaling(self, trial):
        """(scale, shift): the network's input is a stored number times scale plus shift, per column
        or, with one element each, for all; None where it was not kept (a file before format 1.3).
        """
        group = self._trial(trial)
        if "input_scale" not in group:
            return None
        return group["input_scale"][()], group["input_shift"][()]

    def samples(self, trial):
        """inputs, codes, reconstructions (predictions for label targets) and labels if the data
        has them; empty if none were kept."""
        group = self._trial(trial).get("samples", {})
        return {name: dataset[()] for name, dataset in group.items()}

    def reason(self, trial):
        """Why a trial did not complete, in full; "" if it did. Cut while the run goes on."""
        if "trial" not in self.file:
            return self.trials.reason[trial]
        group = self._trial(trial)
        return _text(group["reason"][()]) if "reason" in group else ""

    def config(self, trial=None):
        """The experiment as given, or the resolved configuration of one trial, as YAML text."""
        if trial is None:
            return _text(self.file["config/experiment"][()])
        if "trial" in self.file:
            return _text(self._trial(trial)["config"][()])
        after = _text(self.file["config/resolved"][()]).partition(f"--- # trial {int(trial)}\n")[2]
        if not after:
            raise KeyError(f"no trial {trial}")
        return after.partition("--- # trial ")[0]

    @property
    def run(self):
        """The facts that equal runs share: name, metric, goal, fingerprints, versions."""
        attributes = {**self.file.attrs, **self.file["config"].attrs}
        return {k: _text(v) if isinstance(v, bytes) else v for k, v in attributes.items()}

    @property
    def runtime(self):
        """The facts that equal runs may differ in: name to text."""
        group = self.file["runtime"]
        return {name: _text(group[name][()]) for name in group if name != "trials"}

    @property
    def runtime_trials(self):
        """Every finished attempt: trial, attempt, ranks, host, seconds and on what it was made."""
        return _frame(self.file["runtime/trials"])


def main(arguments):
    """Prints the trials of the file named by the one argument."""
    if len(arguments) != 2:
        print("usage: aesweep_results.py RESULTS.h5", file=sys.stderr)
        return 2
    with Results(arguments[1]) as results:
        print(results.trials.drop(columns=["key", "status_code"]).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
