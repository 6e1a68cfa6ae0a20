#!/usr/bin/env python3
"""mnist-mlp beside PyTorch: speed in turns (A B B A ...), and the accuracy both reach.

  mnist_mlp.py ENGINE_TRAIN DATA [--rounds N] [--accuracy-epochs N --seeds N]

PyTorch is given its best: the data on the device as one tensor, batches by index, eager and
torch.compile where that works, at 1 and 2 threads, and the environment's OPENBLAS_CORETYPE unset.
"""
import argparse
import gzip
import json
import os
import statistics
import struct
import subprocess
import tempfile
import time

os.environ.pop("OPENBLAS_CORETYPE", None)
import torch  # noqa: E402  (after the environment is clean)
from torch import nn  # noqa: E402

BATCH = 128


def read_idx(folder, name):
    path = os.path.join(folder, name)
    opener = gzip.open if os.path.exists(path + ".gz") else open
    with opener(path + ".gz" if opener is gzip.open else path, "rb") as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(">" + "I" * rank, data[4 : 4 + 4 * rank])
    return torch.frombuffer(bytearray(data[4 + 4 * rank :]), dtype=torch.uint8).reshape(shape)


def load(folder):
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(folder, f"{part}-images-idx3-ubyte").reshape(-1, 784).float() / 255
        labels = read_idx(folder, f"{part}-labels-idx1-ubyte").long()
        parts.append((images, labels))
    return parts


def network():
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 512), nn.ReLU(),
              nn.Dropout(0.2), nn.Linear(512, 10)]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


class Trainer:
    def __init__(self, data, seed, compiled=False):
        torch.manual_seed(seed)
        (self.images, self.labels), self.test = data
        self.net = network()
        self.optimizer = torch.optim.RMSprop(self.net.parameters(), lr=1e-3, alpha=0.9, eps=1e-7,
                                             foreach=True)
        self.loss = nn.CrossEntropyLoss()
        self.forward = torch.compile(self.net) if compiled else self.net

    def epoch(self, limit=None):
        self.net.train()
        order = torch.randperm(len(self.images))
        steps = 0
        for at in range(0, len(order), BATCH):
            batch = order[at : at + BATCH]
            if limit is not None and len(batch) < BATCH:
                break
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.forward(self.images[batch]), self.labels[batch])
            loss.backward()
            self.optimizer.step()
            steps += 1
            if limit is not None and steps == limit:
                break
        return steps

    def accuracy(self):
        self.net.eval()
        with torch.no_grad():
            images, labels = self.test
            return (self.net(images).argmax(1) == labels).float().mean().item()


def engine_step(train, data, threads, steps):
    with tempfile.TemporaryDirectory() as folder:
        line = [train, "fit", "mnist-mlp", "--data", data, "--steps", str(steps), "--threads",
                str(threads), "--device", "cpu", "--json", "--out", os.path.join(folder, "run")]
        out = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])["step_milliseconds_median"]


def torch_step(trainer, threads, steps):
    torch.set_num_threads(threads)
    trainer.epoch(20)
    start = time.perf_counter()
    done = trainer.epoch(steps)
    return 1e3 * (time.perf_counter() - start) / done


def speed(args, data):
    contestants = {}
    for threads in (1, 2):
        contestants[f"engine, {threads} threads"] = lambda n=threads: engine_step(
            args.engine_train, args.data, n, args.steps)
        for name, compiled in (("eager", False), ("compiled", True)):
            trainer = Trainer(data, 0, compiled)
            try:
                torch_step(trainer, threads, 5)
            except Exception as error:  # torch.compile wants a compiler of its own
                print(f"torch {name} does not run here: {str(error).splitlines()[0]}")
                continue
            contestants[f"torch {name}, {threads} threads"] = lambda t=trainer, n=threads: torch_step(
                t, n, args.steps)
    times = {name: [] for name in contestants}
    for turn in range(args.rounds):
        names = list(contestants)
        for name in names if turn % 2 == 0 else reversed(names):
            times[name].append(contestants[name]())
    print(f"\nstep of mnist-mlp at batch {BATCH}, torch {torch.__version__}, "
          f"{args.rounds} rounds of {args.steps} steps in turns, medians")
    for name, values in times.items():
        print(f"  {name:28} {statistics.median(values):7.3f} ms   "
              f"({min(values):.3f} to {max(values):.3f})")
    best = {}
    for name, values in times.items():
        kind = name.split()[0]
        if kind not in best or statistics.median(values) < statistics.median(times[best[kind]]):
            best[kind] = name
    ours, theirs = next(v for k, v in best.items() if k.startswith("engine")), best["torch"]
    ratios = sorted(b / a for a, b in zip(times[ours], times[theirs]))
    print(f"  best of torch over best of engine: median of paired ratios "
          f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def accuracy(args, data):
    torch.set_num_threads(2)
    for seed in range(args.seeds):
        trainer = Trainer(data, seed)
        for _ in range(args.accuracy_epochs):
            trainer.epoch()
        print(f"torch, seed {seed}: test accuracy {trainer.accuracy():.4f} "
              f"after {args.accuracy_epochs} epochs", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine_train")
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--accuracy-epochs", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    data = load(args.data)
    if args.rounds > 0:
        speed(args, data)
    if args.accuracy_epochs > 0:
        accuracy(args, data)


if __name__ == "__main__":
    main()
