#!/usr/bin/env python3
"""Reads a run's event files as TensorBoard itself does.

    read_events.py RUN            one JSON object a scalar: part, tag, step, value
    read_events.py --check RUN    compares them with RUN/metrics.csv

Needs the package tensorboard; exits with 77 where it is not installed, with 1 where event files and
metrics differ.
"""

import argparse
import csv
import json
import math
import pathlib
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("read_events.py: the package tensorboard is not installed", file=sys.stderr)
    sys.exit(77)

COLUMNS = {
    "loss": ("train", "epoch_loss"),
    "accuracy": ("train", "epoch_accuracy"),
    "learning_rate": ("train", "epoch_learning_rate"),
    "validation_loss": ("validation", "epoch_loss"),
    "validation_accuracy": ("validation", "epoch_accuracy"),
    "test_loss": ("test", "epoch_loss"),
    "test_accuracy": ("test", "epoch_accuracy"),
}


def read_scalars(run):
    """{(part, tag): {step: value}}; a step that comes twice is an error."""
    scalars = {}
    for folder in sorted((run / "events").iterdir()):
        events = EventAccumulator(str(folder))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            values = scalars.setdefault((folder.name, tag), {})
            for scalar in events.Scalars(tag):
                if scalar.step in values:
                    sys.exit(f"{folder}: {tag} has step {scalar.step} twice")
                values[scalar.step] = scalar.value
    return scalars


def expected_scalars(run):
    expected = {}
    with open(run / "metrics.csv", newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            for column, key in COLUMNS.items():
                if row.get(column):
                    expected.setdefault(key, {})[int(row["epoch"])] = float(row[column])
    return expected


def same(a, b):
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-6)


def check(run):
    found, expected = read_scalars(run), expected_scalars(run)
    count = 0
    for key in sorted(found.keys() | expected.keys()):
        has, wants = found.get(key, {}), expected.get(key, {})
        if has.keys() != wants.keys() or not all(same(has[s], wants[s]) for s in wants):
            sys.exit(f"{run}: {key[0]} {key[1]}: events {has}, metrics {wants}")
        count += len(has)
    print(f"{count} scalars as in metrics.csv")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare with RUN/metrics.csv")
    parser.add_argument("run", metavar="RUN", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.run)
        return
    for (part, tag), values in read_scalars(arguments.run).items():
        for step, value in values.items():
            print(json.dumps({"part": part, "tag": tag, "step": step, "value": value}))


if __name__ == "__main__":
    main()
