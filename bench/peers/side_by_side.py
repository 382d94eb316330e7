"""What the rows of bench/peers/run share: the peers' environment, our benchmarks, and a line a row."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Callable, Optional, Tuple

SOURCES = pathlib.Path(__file__).resolve().parents[2]
THREADS = min(2, os.cpu_count() or 1)
# Versions that fit one another, so that a row means the same wherever it is measured.
TORCH = ("torch==2.11.0", "numpy==2.4.6")


@dataclasses.dataclass(frozen=True)
class LlmShape:
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int


LLM_SHAPES = {
    "0_5b": LlmShape(896, 24, 14, 2, 4864),
    "1_5b": LlmShape(1536, 28, 12, 2, 8960),
    "7b": LlmShape(3584, 28, 28, 4, 18944),
}


class Failed(Exception):
    """A sentence that ends the run."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a row should reach, in words and as a test of what was measured."""

    words: str
    holds: Callable


def at_least(ratio):
    return Wanted(f">= {ratio:g}x", lambda found: found.peer / found.ours >= ratio)


def at_most(limit, unit):
    return Wanted(f"<= {limit:g} {unit}", lambda found: found.ours <= limit)


def within(times):
    """Of the time that the machine itself needs."""
    return Wanted(f"<= {times:g} of the limit", lambda found: found.ours <= times * found.limit)


def both(first, second):
    return Wanted(f"{first.words}, {second.words}", lambda f: first.holds(f) and second.holds(f))


@dataclasses.dataclass(frozen=True)
class Measured:
    """Seconds (or another unit, the less the better) of ours and of the best peer."""

    ours: float
    peer: float
    best_peer: str
    limit: Optional[float] = None  # seconds that the machine itself needs for the work
    unit: str = "s"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    about: str
    wanted: Wanted
    measure: Callable
    programs: Tuple[str, ...]  # benchmarks of ours, as their build targets are named
    packages: Tuple[str, ...] = ()  # of PyPI, for the peers
    by_name: bool = False  # takes long: only if asked for


def amount(value, unit):
    if unit == "s" and value < 1:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.3g} {unit}"


def title_line():
    return "\t".join(("row", "ours", "peer", "ratio", "of the limit", "wanted", "verdict"))


def line_of(row, found):
    fraction = "" if found.limit is None else f"{found.limit / found.ours:.2f}"
    return "\t".join(
        (
            row.name,
            amount(found.ours, found.unit),
            f"{amount(found.peer, found.unit)} ({found.best_peer})",
            f"{found.peer / found.ours:.2f}",
            fraction,
            row.wanted.words,
            "ok" if row.wanted.holds(found) else "short",
        )
    )


class Machine:
    """Where both sides run, and what it can do at most."""

    def __init__(self, build):
        self.build = build if build.is_absolute() else SOURCES / build
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        self.folder = cache / "vcflash" / "peers"
        self.inputs = cache / "vcflash" / "peers-inputs"
        self.environment = dict(
            os.environ,
            OMP_NUM_THREADS=str(THREADS),
            MKL_NUM_THREADS=str(THREADS),
            TOKENIZERS_PARALLELISM="false",
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.known_limits = {}

    def say(self, words):
        print(f"run: {words}", file=sys.stderr, flush=True)

    # --- getting ready -----------------------------------------------------------------------

    def prepare(self, rows):
        programs = sorted({program for row in rows for program in row.programs} | {"bench-tensor"})
        self.say("building " + " ".join(programs))
        configure = ["cmake", "-S", SOURCES, "-B", self.build, "-G", "Ninja", "--log-level=WARNING"]
        self.call(configure, "the build could not be configured (apps/setup gets what it needs)")
        self.call(
            ["cmake", "--build", self.build, "--target", *programs],
            "the benchmarks do not build (they need Google Benchmark: apps/setup gets it)",
        )
        self.install(dict.fromkeys(package for row in rows for package in row.packages))
        self.inputs.mkdir(parents=True, exist_ok=True)

    def install(self, packages):
        if not (self.folder / "bin" / "python").exists():
            self.say(f"making {self.folder}")
            self.call(
                [sys.executable, "-m", "venv", self.folder],
                "Python cannot make an environment (Debian: the package python3-venv)",
            )
        noted = self.folder / "installed.txt"
        known = noted.read_text().split() if noted.exists() else []
        missing = [package for package in packages if package not in known]
        if not missing:
            return
        self.say("installing " + " ".join(missing))
        self.call(
            [self.folder / "bin" / "pip", "install", "--quiet", *known, *missing],
            "pip could not install the peers",
        )
        noted.write_text("\n".join(known + missing) + "\n")

    @staticmethod
    def call(command, otherwise):
        # What a build or pip says is progress; stdout is for the rows.
        if subprocess.run([str(part) for part in command], stdout=sys.stderr).returncode != 0:
            raise Failed(otherwise)

    # --- one side ----------------------------------------------------------------------------

    def output_of(self, command, **more):
        done = subprocess.run(
            [str(part) for part in command],
            cwd=SOURCES,
            env=dict(self.environment, **{name: str(value) for name, value in more.items()}),
            stdout=subprocess.PIPE,
        )
        if done.returncode != 0:
            raise Failed(f"{command[0]} ended with {done.returncode}")
        return done.stdout

    def ours(self, program, name, **environment):
        """One benchmark of ours. \\return what Google Benchmark says of it; `seconds`: an iteration"""
        flags = [f"--benchmark_filter=^{name}$", "--benchmark_format=json"]
        text = self.output_of([self.build / "bin" / program, *flags], **environment)
        results = json.loads(text)["benchmarks"] if text.strip() else []
        if len(results) != 1:
            raise Failed(f"{program} has no benchmark {name}")
        result = results[0]
        if result.get("error_occurred"):
            raise Failed(f"{program}, {name}: {result['error_message']}")
        unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[result["time_unit"]]
        return dict(result, seconds=result["real_time"] * unit)

    def peer(self, script, *arguments):
        """One peer, in the peers' environment. \\return what it prints, which is JSON"""
        command = [self.folder / "bin" / "python", script, *arguments]
        return json.loads(self.output_of(command))

    def compare(self, ours, peers, rounds=3):
        """Runs both sides in turn, so that they see the same machine.
        \\param ours gives seconds  \\param peers name: gives seconds
        \\return the fastest of ours, and name and seconds of the fastest peer"""
        best_ours, best = float("inf"), {name: float("inf") for name in peers}
        for _ in range(rounds):
            best_ours = min(best_ours, ours())
            for name, run in peers.items():
                best[name] = min(best[name], run())
        fastest = min(best, key=best.get)
        if best[fastest] == float("inf"):
            raise Failed("no peer could be run")
        self.say(", ".join(f"{name} {seconds:.4g} s" for name, seconds in best.items()))
        return best_ours, fastest, best[fastest]

    # --- the machine's own limits ------------------------------------------------------------

    def limit(self, name):
        """`product_bf16` or `product_fp32`: FLOP a second of a product of 2048 x 2048 matrices;
        `read`, `copy`: bytes a second. Measured once a run."""
        if name not in self.known_limits:
            result = self.ours("bench-tensor", name + "/iterations:[0-9]+")
            rate = result["fastest_FLOPs" if name.startswith("product") else "fastest_bytes"]
            self.known_limits[name] = rate
            self.say(f"the machine's limit: {name} {rate / 1e9:.4g} G a second")
        return self.known_limits[name]


# --- what runs among the peers -------------------------------------------------------------------


def fastest(work, runs, warm=6):
    """Seconds of the fastest run, after some that do not count."""
    for _ in range(warm):
        work()
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def forget_peak_memory():
    """Makes the process's highest memory so far the present one."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def peak_memory_mib():
    with open("/proc/self/status") as file:
        peak = next(line.split()[1] for line in file if line.startswith("VmHWM:"))
    return int(peak) / 1024
