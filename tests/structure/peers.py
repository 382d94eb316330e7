"""Holds what bench/peers/run says: its rows, its lines, its refusals. Nothing is installed or timed."""

import pathlib
import subprocess
import sys

PEERS = pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"
sys.path.insert(0, str(PEERS))
sys.dont_write_bytecode = True

from side_by_side import Measured, Row, at_least, at_most, both, line_of, title_line, within


def line(wanted, found):
    return line_of(Row("a", "a row", wanted, None, ()), found)


def run(*arguments):
    command = [sys.executable, PEERS / "run", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


found = Measured(ours=0.5, peer=1.0, best_peer="x", limit=0.25)
assert line(at_least(2), found) == "a\t500 ms\t1 s (x)\t2.00\t0.50\t>= 2x\tok"
assert line(at_least(2.1), found).endswith("\t>= 2.1x\tshort")
assert line(within(2), found).endswith("\t<= 2 of the limit\tok")
assert line(both(at_least(1), at_most(0.4, "s")), found).endswith("\t>= 1x, <= 0.4 s\tshort")
memory = Measured(ours=12.0, peer=960.0, best_peer="y", unit="MiB")
assert line(at_most(64, "MiB"), memory) == "a\t12 MiB\t960 MiB (y)\t80.00\t\t<= 64 MiB\tok"
assert title_line().count("\t") == line(at_least(1), found).count("\t")

shown = run("--help")
assert shown.returncode == 0
names = [part.split()[0] for part in shown.stdout.split("rows:\n")[1].splitlines()]
assert len(names) > 15 and len(set(names)) == len(names), names
refused = run("frames_65")
assert refused.returncode == 2 and "there is no row frames_65" in refused.stderr
assert refused.stdout == ""
