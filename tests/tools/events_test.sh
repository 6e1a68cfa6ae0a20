#!/bin/sh
# Event files of a run that was resumed, read by TensorBoard itself. Skipped (77) without it.
# usage: events_test.sh ENGINE_TRAIN READ_EVENTS_PY
set -eu
python3 -c 'import tensorboard' 2>/dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" fit mnist-mlp --data synthetic:2000 --device cpu --autotune off --quiet --epochs 2 --out "$folder/run"
cp -r "$folder/run" "$folder/before"
"$1" fit --resume "$folder/run" --quiet --epochs 4
# As if epochs 3 and 4 had been lost with a machine: they are trained again and must show once.
cp -r "$folder/before/checkpoints" "$folder/before/metrics.csv" "$folder/before/metrics.jsonl" "$folder/run"
"$1" fit --resume "$folder/run" --quiet --epochs 3
python3 "$2" --check "$folder/run"
