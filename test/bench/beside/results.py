"""Rows of several runs in one file: a run replaces the rows that it measured and leaves the others,
and every row says by `run` when, where and of what it is."""
import json
import os


def key_of(row):
    return row["workload"], row["peer"]


class Results:
    """`surroundings`: of the run that begins. It is written down with its first row."""

    def __init__(self, path, surroundings, is_new=False):
        self._path, self._surroundings = path, surroundings
        self.runs, self.rows, self.complete = [], [], []
        if not is_new and os.path.exists(path):
            with open(path) as file:
                held = json.load(file)
            self.runs, self.rows, self.complete = held["runs"], held["rows"], held["complete"]
        self._number = None

    def workloads(self):
        return {row["workload"] for row in self.rows}

    def add(self, rows):
        """Takes these in the places of those that they replace, and writes all of it: what an
        interrupted run has measured is kept."""
        if self._number is None:
            self.runs.append(self._surroundings)
            self._number = len(self.runs) - 1
        at = {key_of(row): place for place, row in enumerate(self.rows)}
        for row in rows:
            row = {**row, "run": self._number}
            if key_of(row) in at:
                self.rows[at[key_of(row)]] = row
            else:
                self.rows.append(row)
        self._drop_runs_without_rows()
        self._write()

    def end(self, group):
        """All of it was measured."""
        self.complete = sorted({*self.complete, group})
        self._write()

    def _drop_runs_without_rows(self):
        kept = sorted({row["run"] for row in self.rows})
        self.runs = [self.runs[number] for number in kept]
        for row in self.rows:
            row["run"] = kept.index(row["run"])
        self._number = kept.index(self._number)

    def _write(self):
        with open(self._path + ".new", "w") as file:
            json.dump({"runs": self.runs, "complete": self.complete, "rows": self.rows}, file,
                      indent=1)
        os.replace(self._path + ".new", self._path)
