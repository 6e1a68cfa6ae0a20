"""What the comparisons of classifiers with PyTorch share: data, training, and the two commands.

  speed     whole training steps, in turns (A B B A ...). PyTorch is given its best: every
            combination of 1 and 2 threads, memory format, eager and torch.compile runs a while in a
            process of its own, and the fastest two go on against the engine, at 1 and 2 threads.
            With --precision bf16 PyTorch's forward pass runs under autocast, so that both keep
            parameters in f32, and the engine also runs against its own fp32.
  accuracy  what both reach on the test set, from initial weights of their own, seed by seed.

The data set lies in a tensor, batches are taken out of it by index, and the environment's
OPENBLAS_CORETYPE is not handed on to anybody.
"""
import argparse
import gzip
import os
import statistics
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import Callable, Optional

os.environ.pop("OPENBLAS_CORETYPE", None)
import torch  # noqa: E402  (after the environment is clean)
from torch import nn  # noqa: E402
from turns import fit, in_turns  # noqa: E402


def read_idx(folder, name):
    path = os.path.join(folder, name)
    opener = gzip.open if os.path.exists(path + ".gz") else open
    with opener(path + ".gz" if opener is gzip.open else path, "rb") as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(">" + "I" * rank, data[4 : 4 + 4 * rank])
    return torch.frombuffer(bytearray(data[4 + 4 * rank :]), dtype=torch.uint8).reshape(shape)


def load_mnist(folder):
    """(images [N, 1, 28, 28] in [0, 1], labels) of the training and of the test part."""
    return [(read_idx(folder, f"{part}-images-idx3-ubyte").unsqueeze(1).float() / 255,
             read_idx(folder, f"{part}-labels-idx1-ubyte").long()) for part in ("train", "t10k")]


def load_cifar10(folder):
    """(images [N, 3, 32, 32] in [0, 1], labels) of the training and of the test part."""
    def part(names):
        data = bytearray()
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                data += file.read()
        records = torch.frombuffer(data, dtype=torch.uint8).reshape(-1, 1 + 3 * 32 * 32)
        return records[:, 1:].reshape(-1, 3, 32, 32).float() / 255, records[:, 0].long()
    return [part([f"data_batch_{i}.bin" for i in range(1, 6)]), part(["test_batch.bin"])]


def glorot(network):
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


@dataclass
class Model:
    """A classifier as models/zoo defines it. `optimizer` makes one of some parameters, whose
    learning rate is multiplied by schedule(step, epoch), both counted from 0."""
    load: Callable
    network: Callable
    optimizer: Callable
    batch: int
    epochs: int
    partial_batches: bool = True
    augment: Optional[Callable] = None
    initialize: Callable = glorot
    schedule: Optional[Callable] = None
    zoo_name: Optional[str] = None  # where it is another one than here
    options: tuple = ()  # that engine-train fit is given


@dataclass(frozen=True)
class Setting:
    """A way to run PyTorch."""
    threads: int
    channels_last: bool = False
    compiled: bool = False
    bf16: bool = False

    def __str__(self):
        return (f"torch, {self.threads} threads, {'NHWC' if self.channels_last else 'NCHW'}, "
                f"{'compiled' if self.compiled else 'eager'}{', bf16' if self.bf16 else ''}")

    @staticmethod
    def parse(numbers):
        threads, *flags = map(int, numbers)
        return Setting(threads, *map(bool, flags))

    def arguments(self):
        """What parse() takes."""
        return [str(int(value)) for value in
                (self.threads, self.channels_last, self.compiled, self.bf16)]


class Trainer:
    def __init__(self, model, data, setting, seed):
        torch.manual_seed(seed)
        torch.set_num_threads(setting.threads)
        self.model = model
        (self.images, self.labels), self.test = data
        self.format = torch.channels_last if setting.channels_last else torch.contiguous_format
        self.net = model.network().to(memory_format=self.format)
        model.initialize(self.net)
        self.forward = torch.compile(self.net) if setting.compiled else self.net
        self.optimizer = model.optimizer(self.net.parameters())
        length = len(self.batch_starts())
        self.schedule = model.schedule and torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: model.schedule(step, step // length))
        self.loss = nn.CrossEntropyLoss()
        self.bf16 = setting.bf16

    def step(self, batch):
        images = self.images[batch]
        if self.model.augment is not None:
            images = self.model.augment(images)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            logits = self.forward(images.contiguous(memory_format=self.format))
        self.loss(logits.float(), self.labels[batch]).backward()
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()

    def batch_starts(self):
        count, size = len(self.images), self.model.batch
        return range(0, count if self.model.partial_batches else count // size * size, size)

    def batches(self):
        order = torch.randperm(len(self.images))
        return [order[at : at + self.model.batch] for at in self.batch_starts()]

    def epoch(self):
        self.net.train()
        for batch in self.batches():
            self.step(batch)

    def milliseconds(self, steps):
        """The median of so many steps."""
        self.net.train()
        times = []
        for batch in self.batches()[:steps]:
            start = time.perf_counter()
            self.step(batch)
            times.append(1e3 * (time.perf_counter() - start))
        return statistics.median(times)

    def accuracy(self):
        self.net.eval()
        with torch.no_grad():
            images, labels = self.test
            right = sum((self.net(x.contiguous(memory_format=self.format)).argmax(1) == y).sum()
                        for x, y in zip(images.split(1000), labels.split(1000)))
            return right.item() / len(labels)


class Worker:
    """PyTorch in a process of its own, which times as many steps as a line of its input says."""

    def __init__(self, name, data, batch, setting):
        line = [sys.executable, sys.argv[0], "worker", name, data, *setting.arguments(),
                "--batch", str(batch)]
        environment = os.environ | {"OMP_NUM_THREADS": str(setting.threads)}
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)

    def milliseconds(self, steps):
        try:
            print(steps, file=self.process.stdin, flush=True)
            return float(self.process.stdout.readline())
        except (ValueError, BrokenPipeError):
            lines = self.process.communicate()[1].splitlines() or ["it says nothing"]
            raise RuntimeError(lines[-1]) from None

    def stop(self):
        self.process.communicate()


def work(arguments, model):
    trainer = Trainer(model, model.load(arguments.data), Setting.parse(arguments.setting), 0)
    trainer.milliseconds(5)
    for line in sys.stdin:
        print(trainer.milliseconds(int(line)), flush=True)


def sees_images(model):
    return any(isinstance(layer, nn.Conv2d) for layer in model.network().modules())


def settings(model, bf16):
    formats = (False, True) if sees_images(model) else (False,)
    return [Setting(threads, channels_last, compiled, bf16) for threads in (1, 2)
            for channels_last in formats for compiled in (False, True)]


def fastest_workers(arguments, model, count):
    """Runs every setting a while, one after the other; workers of the fastest stay."""
    workers = []
    print(f"each setting of PyTorch alone, {arguments.steps} steps, medians")
    for setting in settings(model, arguments.precision == "bf16"):
        worker = Worker(arguments.model, arguments.data, model.batch, setting)
        try:
            workers.append((worker.milliseconds(arguments.steps), str(setting), worker))
            print(f"  {setting!s:40} {workers[-1][0]:9.3f} ms", flush=True)
        except RuntimeError as error:
            print(f"  {setting!s:40} does not run here: {error}", flush=True)
    workers.sort(key=lambda entry: entry[0])
    for _, _, worker in workers[count:]:
        worker.stop()
    return {name: worker for _, name, worker in workers[:count]}


def print_ratio(times, slower, faster):
    """Of the best of each kind, by the beginnings of their names."""
    a, b = (min((name for name in times if name.startswith(kind)),
                key=lambda name: statistics.median(times[name])) for kind in (slower, faster))
    ratios = sorted(x / y for x, y in zip(times[a], times[b]))
    print(f"  {a} over {b}: median of paired ratios {statistics.median(ratios):.2f} "
          f"({ratios[0]:.2f} to {ratios[-1]:.2f})")


def speed(arguments, model):
    def engine_step(precision, threads):
        return fit(arguments.engine_train, model.zoo_name or arguments.model, arguments.data,
                   *model.options, "--batch", model.batch, "--steps", arguments.steps, "--threads", threads, "--precision",
                   precision)["step_milliseconds_median"]

    workers = fastest_workers(arguments, model, 2)
    ours = f"engine {arguments.precision}"
    contestants = {f"engine {precision}, {n} threads": lambda p=precision, n=n: engine_step(p, n)
                   for precision in dict.fromkeys((arguments.precision, "fp32")) for n in (1, 2)}
    for name in contestants:
        contestants[name]()  # tunes
    for name, worker in workers.items():
        contestants[name] = lambda w=worker: w.milliseconds(arguments.steps)
    times = in_turns(contestants, arguments.rounds)
    for worker in workers.values():
        worker.stop()

    print(f"step of {arguments.model} at batch {model.batch}, torch {torch.__version__}, "
          f"{arguments.rounds} rounds of {arguments.steps} steps in turns, medians")
    for name, values in times.items():
        print(f"  {name:40} {statistics.median(values):9.3f} ms   "
              f"({min(values):.3f} to {max(values):.3f})")
    print_ratio(times, "torch", ours)
    if arguments.precision != "fp32":
        print_ratio(times, "engine fp32", ours)


def progress(framework, seed, epoch, reached):
    print(f"{framework}, seed {seed}, epoch {epoch}: {reached:.4f}", file=sys.stderr, flush=True)


def torch_accuracy(arguments, model, data, seed, epochs):
    trainer = Trainer(model, data,
                      Setting(arguments.threads, channels_last=sees_images(model)), seed)
    for epoch in range(epochs):
        trainer.epoch()
        reached = trainer.accuracy()
        progress("torch", seed, epoch + 1, reached)
    return reached


def engine_accuracy(arguments, model, seed, epochs):
    def report(record):
        if record["event"] == "epoch":
            progress("engine", seed, record["epoch"], record["validation_accuracy"])
    return fit(arguments.engine_train, model.zoo_name or arguments.model, arguments.data,
               *model.options, "--batch", model.batch, "--seed", seed, "--epochs", epochs, "--threads", arguments.threads,
               report=report)["test_accuracy"]


def accuracy(arguments, model):
    epochs = arguments.epochs or model.epochs
    for framework in arguments.frameworks:
        data = model.load(arguments.data) if framework == "torch" else None
        reached = []
        for seed in arguments.seeds:
            reached.append(
                torch_accuracy(arguments, model, data, seed, epochs) if framework == "torch"
                else engine_accuracy(arguments, model, seed, epochs))
            print(f"{arguments.model}, {framework}, seed {seed}: test accuracy {reached[-1]:.4f} "
                  f"after {epochs} epochs", flush=True)
        print(f"{arguments.model}, {framework}: mean {statistics.mean(reached):.4f} "
              f"of {len(reached)} seeds", flush=True)


def main(models, description):
    """The command line over a table of models."""
    parser = argparse.ArgumentParser(description=description)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, run, **about):
        line = commands.add_parser(name, **about)
        line.set_defaults(run=run)
        line.add_argument("model", choices=models)
        line.add_argument("--batch", type=int, help="instead of the model's own")
        return line

    line = command("speed", speed, help="whole training steps, in turns")
    line.add_argument("engine_train")
    line.add_argument("data")
    line.add_argument("--rounds", type=int, default=8)
    line.add_argument("--steps", type=int, default=30, help="of a turn")
    line.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    line = command("accuracy", accuracy, help="what both reach on the test set")
    line.add_argument("engine_train")
    line.add_argument("data")
    line.add_argument("--seeds", type=int, nargs="+", default=[0])
    line.add_argument("--epochs", type=int, help="instead of the model's own")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--frameworks", nargs="+", choices=("engine", "torch"),
                      default=("engine", "torch"))
    line = command("worker", work)
    line.add_argument("data")
    line.add_argument("setting", nargs=4, help="threads, channels-last, compiled, bf16")
    arguments = parser.parse_args()
    model = models[arguments.model]
    arguments.run(arguments, replace(model, batch=arguments.batch or model.batch))
