#!/usr/bin/python3
"""Proves that nothing is lost, by breaking aesweep in every way that README.md lists.

    faults.py quick              a sample of each set; what ctest runs
    faults.py long               all of it, for the record
    faults.py SET                one set, in full (--extent quick: its sample)
    faults.py SET --seed S --replay POINT    one case again, as a failure prints it

Exit status: 0 all that could be run held, 1 something did not, 2 a wrong call, 77 nothing could be
run here. Standard library and h5py.
"""

import argparse
import concurrent.futures
import pathlib
import signal
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import bit_flips
import io_errors
import journal_cuts
import kill_points
import mutations
import network
import power_loss
import random_kills
import ranks
import runs
import slurm
import supervise
from context import Context, Fault, Skip

SETS = {module.NAME: module for module in
        (kill_points, random_kills, power_loss, journal_cuts, bit_flips, io_errors, ranks,
         supervise, slurm, network, mutations)}
ONE_AT_A_TIME = {"slurm", "network", "mutations"}
PROGRAM = pathlib.Path(__file__).resolve().parent.parent.parent / "build/release/bin/aesweep"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["quick", "long", *SETS])
    parser.add_argument("--seed", default="1")
    parser.add_argument("--replay", metavar="POINT", help="one case of a set")
    parser.add_argument("--program", default=str(PROGRAM))
    parser.add_argument("--tools", help="folder of check_state and the shim (beside the program)")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--extent", choices=["quick", "long"])
    parser.add_argument("--only", metavar="START", help="cases whose names begin so, as recovery/")
    parser.add_argument("--limit", type=int, help="at most so many cases of each set")
    parser.add_argument("--work", help="folder for runs (default: /dev/shm, else the usual one)")
    parser.add_argument("--log", help="power-loss: changes recorded earlier")
    parser.add_argument("--json", help="figures as JSON, too")
    parser.add_argument("--keep", action="store_true", help="keep the runs")
    options = parser.parse_args()
    if options.replay and options.what not in SETS:
        parser.error("--replay needs the name of a set")
    options.extent = options.extent or ("quick" if options.what == "quick" else "long")
    if not pathlib.Path(options.program).exists():
        parser.error(f"{options.program} is not built")
    return options


def run_case(context, name, case):
    if context.ending:
        return
    try:
        SETS[name].run(context, case)
        context.count(name, "passed")
    except Skip as skip:
        context.skip(name, case, skip)
    except Fault as fault:
        context.fail(name, case, str(fault))
    except Exception:  # An oracle that breaks has not held.
        context.fail(name, case, traceback.format_exc())


def run_set(context, name, options):
    start = time.monotonic()
    try:
        cases = [options.replay] if options.replay else SETS[name].cases(context)
    except Skip as skip:
        context.skip(name, "all", skip)
        return
    except Exception as fault:
        trace = "" if isinstance(fault, Fault) else traceback.format_exc()
        context.fail(name, "", f"before the first case: {fault} {trace}")
        return
    if options.only:
        cases = [case for case in cases if case.startswith(options.only)]
    if options.limit is not None and len(cases) > options.limit:
        cases = sorted(context.random(name, "limit").sample(cases, options.limit),
                       key=cases.index)
    workers = 1 if name in ONE_AT_A_TIME else max(1, options.jobs)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            list(pool.map(lambda case: run_case(context, name, case), cases))
        except SystemExit:  # The figures of what was done are told.
            context.ending = True
            raise
        finally:
            context.seconds[name] = time.monotonic() - start
    print(f"{name}: {len(cases)} cases in {context.seconds[name]:.0f} s", flush=True)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    context = Context(options)
    runs.use_folder(context.work)
    try:
        for name in SETS if options.what in ("quick", "long") else [options.what]:
            run_set(context, name, options)
    finally:
        context.report(options.json)
        runs.destroy_all()
        context.close()
    if context.failures:
        return 1
    passed = sum(counter["passed"] for counter in context.figures.values())
    return 0 if passed or not context.skipped else 77


if __name__ == "__main__":
    sys.exit(main())
