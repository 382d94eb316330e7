#!/usr/bin/env python3
"""Opens 1,000,000 annotated rows with Python's json and with vcflash, and prints the ratio.

usage: bench/peers/annotations.py BUILD_FOLDER [ROWS]    (after: ninja -C BUILD_FOLDER bench-annotation)
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

PYTHON = """
import json, resource, sys, time
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.perf_counter()
with open(sys.argv[1]) as file:
    rows = json.load(file)
seconds = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"rows": len(rows), "seconds": seconds, "peak_MiB": peak / 1024}))
"""


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


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = next(pathlib.Path(sys.argv[1]).rglob("bench-annotation"))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.json")
        write_rows(path, count)
        print(f"{count:,} rows, {os.path.getsize(path) / 1e6:.0f} MB")
        environment = dict(os.environ, VCFLASH_BENCH_ANNOTATIONS=path)
        flags = ["--benchmark_format=json", "--benchmark_filter=opening"]
        for _ in range(3):  # one after the other, so that both see the same machine
            peer = json.loads(subprocess.check_output([sys.executable, "-c", PYTHON, path]))
            ours = json.loads(subprocess.check_output([program, *flags], env=environment))
            first, again = ours["benchmarks"][:2]
            assert int(first["rows"]) == peer["rows"] == count
            print(
                f"json.load {peer['seconds']:.2f} s, {peer['peak_MiB']:.0f} MiB;"
                f" vcflash {first['real_time'] / 1e3:.3f} s, {first['peak_MiB']:.0f} MiB"
                f" ({peer['seconds'] / first['real_time'] * 1e3:.1f}x);"
                f" again {again['real_time']:.1f} ms"
            )
            time.sleep(1)


if __name__ == "__main__":
    main()
