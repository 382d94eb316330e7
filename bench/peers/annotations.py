"""Opening annotations of a million rows: Python's json, and our index."""

import json
import sys
import time

from side_by_side import Measured, Row, at_least, at_most, both

COUNT = 1_000_000


def write_rows(path, count):
    question = "<image>\nPlease describe what happens in this video, step by step."
    answer = (
        'A person walks in from the left, puts a "red" box on the table, looks around for a while '
        "and leaves again. The camera does not move until the door is closed."
    )
    with open(path, "w") as file:
        for i in range(count):
            row = {
                "id": str(i),
                "video": f"clips/{i % 977}.mp4",
                "conversations": [
                    {"from": "human", "value": question},
                    {"from": "gpt", "value": f"{answer} {i}"},
                ],
            }
            file.write(("[" if i == 0 else ", ") + json.dumps(row))
        file.write("]")


def rows_file(machine):
    path = machine.inputs / f"rows-{COUNT}.json"
    if not path.exists():
        machine.say(f"writing {path}")
        unfinished = path.with_suffix(".unfinished")
        write_rows(unfinished, COUNT)
        unfinished.rename(path)
    return path


def opening(machine, name, of_ours):
    path = rows_file(machine)
    ours, peer = [], []
    for _ in range(3):
        ours.append(
            machine.ours("bench-annotation", f"opening/{name}/real_time",
                         VCFLASH_BENCH_ANNOTATIONS=path)
        )
        peer.append(machine.peer(__file__, path))
        assert int(ours[-1]["rows"]) == peer[-1]["rows"] == COUNT
    return min(of_ours(found) for found in ours), peer


def first(machine):
    ours, peer = opening(machine, "first", lambda found: found["seconds"])
    limit = rows_file(machine).stat().st_size / machine.limit("read")
    return Measured(ours, min(p["seconds"] for p in peer), "json.load", limit)


def again(machine):
    ours, peer = opening(machine, "again", lambda found: found["seconds"])
    return Measured(ours, min(p["seconds"] for p in peer), "json.load")


def memory(machine):
    ours, peer = opening(machine, "first", lambda found: found["peak_MiB"])
    return Measured(ours, min(p["peak_MiB"] for p in peer), "json.load", unit="MiB")


PROGRAMS = ("bench-annotation",)
ROWS = [
    Row("index", "a JSON list of 1,000,000 rows opened for the first time", at_least(8), first,
        PROGRAMS),
    Row("index_again", "the same, opened a second time", at_most(0.2, "s"), again, PROGRAMS),
    Row("index_memory", "what memory grows by at its highest", at_most(102, "MiB"), memory,
        PROGRAMS),
]


def peer_main(path):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    with open(path) as file:
        rows = json.load(file)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"rows": len(rows), "seconds": seconds, "peak_MiB": peak / 1024}))


if __name__ == "__main__":
    peer_main(*sys.argv[1:])
