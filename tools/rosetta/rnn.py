#!/usr/bin/env python3
"""The recurrent models of the zoo beside PyTorch: speed in turns, and the accuracy both reach.

  rnn.py speed MODEL ENGINE_TRAIN DATA [--rounds N --steps N --precision bf16]
  rnn.py accuracy MODEL ENGINE_TRAIN DATA [--seeds N ... --epochs N --frameworks ...]

MODEL is mnist-hrnn, imdb-gru, imdb-lstm, babi-rnn-qa1 or babi-rnn-qa2. Both train on the tokens that
the engine makes of DATA: engine-dataset-dump, beside ENGINE_TRAIN, writes them down for PyTorch.
Wants torch (from pip). How it measures is described in torch_beside.py.
"""
import json
import os
import subprocess
import sys
import tempfile

import torch
import torch_beside as beside
from torch import nn, optim


def start(network):
    """Keras' weights: Glorot's for what enters, orthogonal for the state, and an open forget gate.
    Keras' LSTM has one bias where PyTorch adds two: the second one stays 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Embedding):
            nn.init.uniform_(layer.weight, -0.05, 0.05)
        elif isinstance(layer, (nn.LSTM, nn.GRU)):
            nn.init.xavier_uniform_(layer.weight_ih_l0)
            nn.init.orthogonal_(layer.weight_hh_l0)
            nn.init.zeros_(layer.bias_ih_l0)
            nn.init.zeros_(layer.bias_hh_l0)
            if isinstance(layer, nn.LSTM):
                with torch.no_grad():
                    layer.bias_ih_l0[layer.hidden_size : 2 * layer.hidden_size] = 1
                layer.bias_hh_l0.requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, VariationalLstm):
            layer.start_state()


class LastState(nn.Module):
    """The state of a recurrent layer after the last step."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class VariationalLstm(nn.Module):
    """An LSTM's last state with drop-out whose masks serve all steps. PyTorch's own layer has no
    drop-out of the state, so this one goes step by step."""

    def __init__(self, inputs, units, rate):
        super().__init__()
        self.units, self.rate = units, rate
        self.ih, self.hh = nn.Linear(inputs, 4 * units), nn.Linear(units, 4 * units, bias=False)

    def start_state(self):
        nn.init.orthogonal_(self.hh.weight)
        with torch.no_grad():
            self.ih.bias[self.units : 2 * self.units] = 1

    def mask(self, like, width):
        return nn.functional.dropout(like.new_ones(like.shape[0], width), self.rate, self.training)

    def forward(self, x):
        x = x * self.mask(x, x.shape[2])[:, None]
        scale = self.mask(x, self.units)
        z = self.ih(x)
        h = c = x.new_zeros(x.shape[0], self.units)
        for t in range(x.shape[1]):
            i, f, g, o = (z[:, t] + self.hh(h * scale)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return h


class HierarchicalRnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.row = LastState(nn.LSTM(1, 128, batch_first=True))
        self.column = LastState(nn.LSTM(128, 128, batch_first=True))
        self.dense = nn.Linear(128, 10)

    def forward(self, x):
        rows = self.row(x.reshape(-1, 28, 1)).reshape(-1, 28, 128)
        return self.dense(self.column(rows))


class BabiRnn(nn.Module):
    def __init__(self, vocabulary, story):
        super().__init__()
        self.story = story
        self.story_words, self.question_words = (nn.Embedding(vocabulary, 50) for _ in range(2))
        self.question = LastState(nn.LSTM(50, 50, batch_first=True))
        self.answer = LastState(nn.LSTM(50, 50, batch_first=True))
        self.drop, self.dense = nn.Dropout(0.3), nn.Linear(50, vocabulary)

    def forward(self, tokens):
        story = self.drop(self.story_words(tokens[:, : self.story]))
        question = self.question(self.drop(self.question_words(tokens[:, self.story :])))
        return self.dense(self.drop(self.answer(story + question[:, None])))


class OneLogit(nn.Linear):
    """The logits of two classes whose difference is one output: the cross-entropy of their softmax
    is that of the output's sigmoid."""

    def __init__(self, inputs):
        super().__init__(inputs, 1)

    def forward(self, x):
        return nn.functional.pad(super().forward(x), (1, 0))


def imdb_gru():
    return nn.Sequential(nn.Embedding(30000, 125), LastState(nn.GRU(125, 100, batch_first=True)),
                         nn.Linear(100, 2))


def imdb_lstm():
    return nn.Sequential(nn.Embedding(20000, 128), VariationalLstm(128, 128, 0.2), OneLogit(128))


class Data:
    """What the engine makes of a data set for `model`; the last `held_out` of the training part is
    left out, as a validation part would be."""

    def __init__(self, model, task="", held_out=0.0):
        self.model, self.task, self.held_out, self.header = model, task, held_out, {}

    def load(self, source):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([os.environ["ENGINE_DATASET_DUMP"], self.model, source, folder]
                           + [self.task] * bool(self.task), check=True)
            with open(os.path.join(folder, "header.json"), encoding="utf-8") as file:
                self.header = json.load(file)
            parts = [self.part(folder, name) for name in ("train", "test")]
        count = len(parts[0][1])
        kept = count - round(self.held_out * count)
        return [tuple(tensor[:kept] for tensor in parts[0]), parts[1]]

    def part(self, folder, name):
        def read(kind, dtype):
            with open(os.path.join(folder, f"{name}.{kind}"), "rb") as file:
                return torch.frombuffer(bytearray(file.read()), dtype=dtype)
        bytes_in = self.header["dtype"] == "u8"
        x = read("observations", torch.uint8 if bytes_in else torch.int32)
        x = x.reshape(-1, *self.header["shape"])
        return x.float() / 255 if bytes_in else x, read("labels", torch.uint8).long()

    def babi_rnn(self):
        return BabiRnn(self.header.get("vocabulary", 36), self.header.get("segments", [552])[0])


def adam(epsilon):
    return lambda parameters: optim.Adam(
        [p for p in parameters if p.requires_grad], lr=1e-3, eps=epsilon, foreach=True)


def rmsprop(parameters):
    return optim.RMSprop([p for p in parameters if p.requires_grad], lr=1e-3, alpha=0.9, eps=1e-7,
                         foreach=True)


def babi(task):
    data = Data("babi-rnn", task, held_out=0.05)
    return beside.Model(data.load, data.babi_rnn, adam(1e-7), batch=32, epochs=40, initialize=start,
                        zoo_name="babi-rnn", options=("--task", task, "--validation-split", "0.05"))


MODELS = {
    "mnist-hrnn": beside.Model(Data("mnist-hrnn").load, HierarchicalRnn, rmsprop, batch=32,
                               epochs=5, initialize=start),
    "imdb-gru": beside.Model(Data("imdb-gru").load, imdb_gru, adam(1e-8), batch=64, epochs=3,
                             partial_batches=False, initialize=start),
    "imdb-lstm": beside.Model(Data("imdb-lstm").load, imdb_lstm, adam(1e-7), batch=32, epochs=15,
                              initialize=start),
    "babi-rnn-qa1": babi("qa1"),
    "babi-rnn-qa2": babi("qa2"),
}

if __name__ == "__main__":
    if len(sys.argv) > 3 and sys.argv[1] in ("speed", "accuracy"):
        os.environ["ENGINE_DATASET_DUMP"] = os.path.join(os.path.dirname(sys.argv[3]),
                                                         "engine-dataset-dump")
    beside.main(MODELS, __doc__.splitlines()[0])
