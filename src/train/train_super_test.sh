#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Super-networks on the command line: one process, two processes on loopback, a process that dies, wrong use.
# usage: train_super_test.sh LIMBER SOURCE_DIRECTORY
set -uo pipefail
limber=$1 root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/cache OMP_NUM_THREADS=1
failed=0
problem() { echo "FAILED: $*"; failed=1; }

# 200 training and 8 test pictures in CIFAR-10's format: one colour a class, with noise.
mkdir "$work/data"
record() {  # LABEL SEED
  local colour
  colour=$(printf '\\%03o' $((20 + 23 * $1)))
  printf "\\$(printf '%03o' "$1")"
  head -c 2048 /dev/zero | tr '\0' "$colour"
  head -c 1024 <(noise "$2")
}
noise() { awk -v seed="$1" 'BEGIN { srand(seed); for (i = 0; i < 1024; ++i) printf "%c", 33 + int(90 * rand()) }'; }
for batch in 1 2 3 4 5; do
  for i in $(seq 0 39); do record $((i % 10)) $((batch * 100 + i)); done > "$work/data/data_batch_$batch.bin"
done
for i in $(seq 0 7); do record "$i" "$i"; done > "$work/data/test_batch.bin"

recipe() {  # EPOCHS
  cat <<END
name = "tiny"
network = "$root/networks/shapes-ofa.json"
[data]
name = "$work/data"
mean = [0.5, 0.5, 0.5]
deviation = [0.25, 0.25, 0.25]
[training]
batch = 16
learning_rate = 0.05
precision = "fp32"
calibration = 128
[[phase]]
epochs = $1
subnets = 2
[[member]]
name = "smallest"
choice = "r=24,d=1,e=50,k=3"
[[member]]
name = "largest"
choice = "r=32,d=2,e=100,k=5"
END
}
recipe 1 > "$work/short.toml"
recipe 4000 > "$work/long.toml"

"$limber" train "$work/short.toml" --output "$work/one.safetensors" --json > "$work/one.json" 2> "$work/one.log" ||
  problem "one process: $(cat "$work/one.log")"
grep -q '"validation"' "$work/one.json" || problem "no accuracy in $(cat "$work/one.json")"
grep -q '"test"' "$work/one.json" && problem "the test images were read"

# Two processes, twice: the same bits.
port=$((20000 + $$ % 20000))
pair() {  # RECIPE NAME PORT: both ranks; waits for them
  "$limber" train "$work/$1.toml" --output "$work/$2.safetensors" --nodes 2 --rank 0 --rendezvous "127.0.0.1:$3" \
    > "$work/$2.0.log" 2>&1 &
  first=$!
  "$limber" train "$work/$1.toml" --output "$work/$2.safetensors" --nodes 2 --rank 1 --rendezvous "127.0.0.1:$3" \
    > "$work/$2.1.log" 2>&1 &
  second=$!
}
for name in two again; do
  port=$((port + 1))
  pair short "$name" "$port"
  wait "$first" || problem "rank 0: $(cat "$work/$name.0.log")"
  wait "$second" || problem "rank 1: $(cat "$work/$name.1.log")"
done
tensors() { tail -c +"$(($(head -c 8 "$1" | od -An -t u8) + 9))" "$1" | sha256sum; }
[ "$(tensors "$work/two.safetensors")" = "$(tensors "$work/again.safetensors")" ] ||
  problem "two trainings by two processes differ"
[ "$(stat -c %s "$work/two.safetensors.checkpoint")" -gt 10000 ] || problem "rank 0 wrote no checkpoint"

# A process that dies: the other says so, and the checkpoint survives.
port=$((port + 1))
pair long lost "$port"
for _ in $(seq 600); do [ -e "$work/lost.safetensors.checkpoint" ] && break; sleep 0.1; done
kill -9 "$second"
wait "$second" 2> /dev/null
wait "$first" && problem "rank 0 ended well without rank 1"
grep -q "another training process is gone" "$work/lost.0.log" || problem "a lost process: $(cat "$work/lost.0.log")"
"$limber" train "$work/long.toml" --output "$work/lost.safetensors" --no-model > "$work/resumed.log" 2>&1 &
alone=$!
for _ in $(seq 300); do grep -q resuming "$work/resumed.log" && break; sleep 0.1; done
kill -INT "$alone"
wait "$alone"
grep -q "resuming" "$work/resumed.log" || problem "no resuming from its checkpoint: $(cat "$work/resumed.log")"

# Wrong use.
"$limber" train "$work/short.toml" --nodes 2 > "$work/wrong.log" 2>&1
[ $? -eq 2 ] || problem "--nodes without --rendezvous: $(cat "$work/wrong.log")"
"$limber" train "$work/short.toml" --device tpu > "$work/wrong.log" 2>&1
[ $? -eq 2 ] && grep -q "cpu,cuda" "$work/wrong.log" || problem "--device tpu: $(cat "$work/wrong.log")"
sed 's/r=24,d=1/r=23,d=1/' "$work/short.toml" > "$work/wrong.toml"
"$limber" train "$work/wrong.toml" --output "$work/wrong.safetensors" > "$work/wrong.log" 2>&1
[ $? -eq 1 ] && grep -q "legal: 24, 32" "$work/wrong.log" || problem "a wrong choice: $(cat "$work/wrong.log")"
exit $failed
