#!/usr/bin/env python3
"""What it costs if the tuner chooses again: tunes a model twice into empty caches, then times the
training step with either one's choices, in turns.

  cold_tunings.py MODEL ENGINE_TRAIN DATA [--rounds N --steps N --threads N]
"""
import argparse
import json
import os
import statistics
import tempfile

from turns import fit, in_turns


def choices(cache):
    """Problem -> (what was chosen, {kernel: microseconds})."""
    chosen = {}
    with open(cache, encoding="utf-8") as file:
        for record in map(json.loads, list(file)[1:]):
            times = {f"{r['candidate']}/{r['configuration']}": r.get("microseconds")
                     for r in record["results"]}
            chosen[record["problem"]] = (list(times)[record["chosen"]], times)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("engine_train")
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=30, help="of a turn")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()

    def run(cache, *options):
        return fit(arguments.engine_train, arguments.model, arguments.data, "--algorithm-cache",
                   cache, "--threads", arguments.threads, *options)

    with tempfile.TemporaryDirectory() as folder:
        caches = {name: os.path.join(folder, name) for name in ("first", "second")}
        for name, cache in caches.items():
            print(f"{name} tuning: {run(cache, '--steps', 1)['tune_seconds']:.1f} s", flush=True)
        first, second = (choices(cache) for cache in caches.values())
        times = in_turns({name: lambda c=cache: run(c, "--autotune", "locked", "--steps",
                                                    arguments.steps)["step_milliseconds_median"]
                          for name, cache in caches.items()}, arguments.rounds)

    different = [problem for problem in first if first[problem][0] != second[problem][0]]
    print(f"{len(different)} of {len(first)} choices differ")
    for problem in different:
        for name, (kernel, measured) in (("first", first[problem]), ("second", second[problem])):
            other = (second if name == "first" else first)[problem][0]
            print(f"  {name:6} {kernel} {measured[kernel]:.1f} us, {other} {measured[other]:.1f} us"
                  f"  {problem}")
    for name, values in times.items():
        print(f"  {name:6} {statistics.median(values):9.3f} ms   "
              f"({min(values):.3f} to {max(values):.3f})")
    ratios = sorted(b / a for a, b in zip(times["first"], times["second"]))
    print(f"  second over first: median of paired ratios {statistics.median(ratios):.3f} "
          f"({ratios[0]:.3f} to {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
