"""journal-cuts: the journal cut at every byte, and cut then appended to.

every/RUN drives the journal's own code at every byte (check_state.cpp). cut/OFFSET and
append/OFFSET cut a killed run's journal there (and append half a line and garbage), and resume.
"""

import shutil

from context import check
from journal import Journal
from kill_points import killed_run
from oracles import Final, litter
from power_loss import checker
from reference import reference
from runs import resume

NAME = "journal-cuts"
RESUMES = {"quick": 2, "long": 100}
GARBAGE = b'01234567 7 120 {"kind":"trial_fin\x00\xff\n\n deadbeef 1 1 {}\n'


def journals(context):
    return {"killed": killed_run(context)["folder"] / "journal",
            "finished": reference(context, "short").folder / "journal"}


def cases(context):
    size = journals(context)["killed"].stat().st_size
    # A journal without its first line cannot come of a crash: it is made whole.
    first = journals(context)["killed"].read_bytes().index(b"\n") + 1
    offsets = context.random(NAME).sample(range(first, size + 1),
                                          min(RESUMES[context.extent], size + 1 - first))
    return (["every/killed", "every/finished"]
            + [f"{'append' if number % 2 else 'cut'}/{offset}"
               for number, offset in enumerate(sorted(offsets))])


def run(context, case):
    kind, what = case.split("/")
    if kind == "every":
        answer = checker(context).ask("cuts", journals(context)[what], context.folder() / "journal")
        check(answer.startswith("ok"), answer)
        context.count(NAME, "bytes cut at, then appended", int(answer.split()[1]))
        return
    killed = killed_run(context)
    folder = context.folder() / "run"
    shutil.copytree(killed["folder"], folder)
    path = folder / "journal"
    cut = path.read_bytes()[:int(what)]
    path.write_bytes(cut + (GARBAGE if kind == "append" else b""))
    kept = Journal(cut).finished()
    job = resume(context, killed["work"].experiment, folder)
    Final(folder).same_as(killed["work"].final)
    again = {record["number"] for record in Journal.of(folder).kinds("trial_begun")[
        len(Journal(cut).kinds("trial_begun")):]}
    check(not again & set(kept), f"finished trials {again & set(kept)} were run again")
    check(not litter(folder), f"left behind: {litter(folder)}")
    if Journal(cut).bytes < path.stat().st_size and kind == "append":
        check("journal" in job.text(), f"the cut tail was not reported: {job.tail()}")
    context.count(NAME, f"{kind}, then resumed to the end")
    shutil.rmtree(folder.parent)
