"""Runs of engine-train, and contestants that take turns (A B B A ...), so that a machine whose speed
drifts slows them alike."""
import json
import os
import subprocess
import tempfile


def fit(engine_train, model, data, *options, report=lambda record: None):
    """Trains with the engine; the last record it prints. `report` sees all."""
    with tempfile.TemporaryDirectory() as folder:
        line = [engine_train, "fit", model, "--data", data, "--device", "cpu", "--json", "--out",
                os.path.join(folder, "run"), *map(str, options)]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            for text in process.stdout:
                record = json.loads(text)
                report(record)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(line)}: exit status {process.returncode}")
    return record


def in_turns(contestants, rounds):
    times = {name: [] for name in contestants}
    for turn in range(rounds):
        names = list(contestants)
        for name in names if turn % 2 == 0 else reversed(names):
            times[name].append(contestants[name]())
    return times
