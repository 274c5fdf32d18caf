"""``make fuzz``: each harness for a while, from the saved inputs on; what breaks one is kept in ``.build/fuzz``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from fuzzing.corpora import CORPORA, LARGEST, ROOT, save, saved
from fuzzing.harnesses import HARNESSES
from fuzzing.mutating import mutations

BUILD = ROOT / ".build" / "fuzz"
LONGEST_S = 5
"""On the clock, for libFuzzer, which ends a run that hangs; the harness itself counts processor time."""


def by_atheris(name: str, seconds: int, *, keep: int) -> bool:
    """Coverage-guided, in a process of its own; True if nothing was found."""
    work = BUILD / name
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "fuzzing.driver", name]
    limits = [f"-timeout={LONGEST_S}", "-rss_limit_mb=2048", f"-artifact_prefix={work}-", "-print_final_stats=1"]
    limits += [f"-max_total_time={seconds}", f"-max_len={2 * LARGEST}", "-verbosity=0"]
    done = subprocess.run([*command, *limits, str(work), str(CORPORA / name)], check=False, env=os.environ)
    if keep:
        _keep(name, work, keep)
    return done.returncode == 0


def _keep(name: str, work: Path, number: int) -> None:
    """Of what reached new lines as few inputs as reach them all, and of those some, from the smallest to the largest."""
    with tempfile.TemporaryDirectory() as found:
        command = [sys.executable, "-m", "fuzzing.driver", name, "-merge=1", "-verbosity=0"]
        subprocess.run(
            [*command, found, str(CORPORA / name), str(work)], check=True, env=os.environ, capture_output=True
        )
        inputs = sorted((f.read_bytes() for f in Path(found).iterdir()), key=lambda d: (len(d), d))
    known = set(saved(name))
    new = [d for d in inputs if d not in known and len(d) <= LARGEST]
    for data in new[:: max(1, len(new) // number)][:number]:
        save(name, data)


def by_hypothesis(name: str, seconds: int) -> bool:
    """Saved inputs with changes, drawn at random."""
    draw, until, count = mutations(name).hypothesis.fuzz_one_input, time.monotonic() + seconds, 0
    while time.monotonic() < until:
        draw(os.urandom(1_000))
        count += 1
    sys.stdout.write(f"{name}: {count} inputs\n")
    return True


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each harness [60]")
    parser.add_argument("--only", choices=list(HARNESSES), action="append")
    parser.add_argument(
        "--engine", choices=["atheris", "hypothesis"], default="atheris" if find_spec("atheris") else "hypothesis"
    )
    parser.add_argument(
        "--keep", type=int, default=0, metavar="N", help="save so many of the inputs that reached something new"
    )
    given = parser.parse_args(arguments)
    broken = []
    for name in given.only or HARNESSES:
        good = (
            by_atheris(name, given.seconds, keep=given.keep)
            if given.engine == "atheris"
            else by_hypothesis(name, given.seconds)
        )
        broken += [] if good else [name]
    sys.stdout.write(f"broken: {', '.join(broken)}\n" if broken else f"{len(given.only or HARNESSES)} harnesses hold\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
