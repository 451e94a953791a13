#!/usr/bin/env python3
"""Do the tests notice? Each mutant is one small mistake in the source; a unit program must fail.

    test/mutation/run.py                       # all of mutants.txt: an hour or more on two cores
    test/mutation/run.py --sample 20           # some, drawn anew each time; --seed repeats a draw
    test/mutation/run.py --only walk.cpp       # those of files whose path contains it
    test/mutation/run.py --list                # what there is, without running anything

The tree is copied to build/mutation and built there (preset `quick`), so that nobody's files are
touched. mutants.txt says what a mutant is. For each, the one file is changed, the program that
must fail is built again and run until its first failure, and the file is put back.

    caught          the program failed, or ran into its time limit
    SURVIVED        it passed: a test is missing, or the mutant changes nothing
    does not build  no mutant: the list is wrong, or the compiler is a test, too
    stale           the line is not in the file, or more than once: the list must follow the code

The exit status is 0 if at least --demand per cent (90) of those that were tried are caught."""
import argparse
import collections
import dataclasses
import os
import random
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LEFT_OUT = {"build", ".git", "__pycache__"}
OUTCOMES = ("caught", "SURVIVED", "does not build", "stale")


@dataclasses.dataclass(frozen=True)
class Mutant:
    line: int  # of mutants.txt
    file: str
    program: str
    pattern: str
    replacement: str

    def title(self):
        return f"{self.file}: {self.pattern.strip()}  ->  {self.replacement.strip() or '(nothing)'}"


def read_mutants(path):
    """See the head of mutants.txt."""
    mutants, file, program, pattern = [], None, None, None
    with open(path) as lines:
        for number, line in enumerate(lines, 1):
            mark, text = line[:1], line[1:].strip()
            if mark == "@":
                file, program = text.split()
            elif mark == "-":
                pattern = text
            elif mark == "+":
                if file is None or pattern is None:
                    raise SystemExit(f"{path}:{number}: a '+' without its file or its '-'")
                mutants.append(Mutant(number, file, program, pattern, text))
                pattern = None
            elif mark not in ("#", "\n", ""):
                raise SystemExit(f"{path}:{number}: a line begins with '@', '-', '+' or '#'")
    return mutants


class Scratch:
    """The copy of the tree, with a build folder of its own."""

    def __init__(self, folder, jobs):
        self.tree = folder
        self.build = os.path.join(self.tree, "build", "quick")
        self.jobs = jobs

    def prepare(self, programs):
        """Brings the copy up to date; what did not change is not built again."""
        os.makedirs(self.tree, exist_ok=True)
        wanted = set()
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            for name in files:
                source = os.path.join(folder, name)
                relative = os.path.relpath(source, ROOT)
                wanted.add(relative)
                self._copy(source, os.path.join(self.tree, relative))
        self._remove_others(wanted)
        self._call(["cmake", "--preset", "quick"])
        self._call(self._build_command(programs))

    def _copy(self, source, target):
        if os.path.islink(source) or not os.path.isfile(source):
            return
        if os.path.exists(target):
            with open(source, "rb") as new, open(target, "rb") as old:
                if new.read() == old.read():
                    return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)

    def _remove_others(self, wanted):
        for folder, folders, files in os.walk(self.tree):
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            for name in files:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.tree) not in wanted:
                    os.remove(path)

    def _build_command(self, programs):
        return ["cmake", "--build", "--preset", "quick", "--parallel", str(self.jobs), "--target",
                *programs]

    def _call(self, command):
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")

    def builds(self, program):
        done = subprocess.run(self._build_command([program]), cwd=self.tree, capture_output=True)
        return done.returncode == 0

    def passes(self, program, seconds):
        """Whether all its tests pass in that time; the first that fails ends it."""
        folder = "unit" if program.startswith("unit_") else program
        path = os.path.join(self.build, "test", folder, program)
        try:
            done = subprocess.run([path, "--abort"], cwd=self.build, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def judge(self, mutant, seconds):
        path = os.path.join(self.tree, mutant.file)
        with open(path) as file:
            text = file.read()
        if text.count(mutant.pattern) != 1:
            return "stale"
        try:
            with open(path, "w") as file:
                file.write(text.replace(mutant.pattern, mutant.replacement))
            if not self.builds(mutant.program):
                return "does not build"
            return "SURVIVED" if self.passes(mutant.program, seconds) else "caught"
        finally:
            with open(path, "w") as file:
                file.write(text)


def time_limits(scratch, programs):
    """Three times what each takes unchanged, which it must pass, and ten seconds."""
    limits = {}
    for program in programs:
        began = time.monotonic()
        if not scratch.passes(program, 600):
            raise SystemExit(f"{program} fails before anything was changed")
        limits[program] = 3 * (time.monotonic() - began) + 10
    return limits


def print_table(results):
    """Of each file how many of its mutants came to what."""
    counts = collections.defaultdict(collections.Counter)
    for mutant, outcome in results:
        counts[mutant.file][outcome] += 1
        counts["all"][outcome] += 1
    width = max(map(len, counts))
    print(f"\n{'file':{width}}  " + "  ".join(OUTCOMES))
    for file in sorted(counts, key=lambda name: (name == "all", name)):
        row = "  ".join(f"{counts[file][name]:{len(name)}}" for name in OUTCOMES)
        print(f"{file:{width}}  {row}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutants", default=os.path.join(HERE, "mutants.txt"))
    parser.add_argument("--only", default="", help="part of a file's path")
    parser.add_argument("--sample", type=int, default=0, help="that many, drawn at random")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--demand", type=float, default=90.0, help="per cent to be caught")
    parser.add_argument("--scratch", default=os.path.join(ROOT, "build", "mutation"))
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def chosen(options):
    mutants = [one for one in read_mutants(options.mutants) if options.only in one.file]
    if not mutants:
        raise SystemExit("no mutant of that name")
    if 0 < options.sample < len(mutants):
        print(f"--seed {options.seed}")
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    # Of one file after the other: so each program is linked from what it was linked from before.
    return sorted(mutants, key=lambda one: one.line)


def main():
    options = arguments()
    mutants = chosen(options)
    if options.list:
        print("\n".join(one.title() for one in mutants))
        return 0
    programs = sorted({one.program for one in mutants})
    scratch = Scratch(options.scratch, options.jobs)
    scratch.prepare(programs)
    limits = time_limits(scratch, programs)
    results = []
    for mutant in mutants:
        outcome = scratch.judge(mutant, limits[mutant.program])
        results.append((mutant, outcome))
        print(f"{outcome:14} {mutant.title()}", flush=True)
    print_table(results)
    tried = [outcome for _, outcome in results if outcome in ("caught", "SURVIVED")]
    caught = tried.count("caught")
    print(f"\n{caught} of {len(tried)} are caught: {100 * caught / max(1, len(tried)):.1f} %")
    return 0 if tried and 100 * caught >= options.demand * len(tried) else 1


if __name__ == "__main__":
    sys.exit(main())
