#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line where things go wrong around it: full disks, no network, no rights, no HOME, a killed training.
# usage: trouble_test.sh LIMBER SOURCE_DIRECTORY
set -uo pipefail
limber=$1 root=$2
models=$root/models
work=$(mktemp -d)
chmod 755 "$work"
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/cache XDG_CACHE_HOME=$work/xdg
failed=0

problem() { echo "FAILED: $*"; failed=1; }

expect() {  # expect CODE TEXT COMMAND...
  local code=$1 text=$2 out got
  shift 2
  out=$("$@" 2>&1)
  got=$?
  if [ $got -ne "$code" ] || ! grep -qF -- "$text" <<<"$out"; then
    problem "$* -> exit $got (expected $code), expected to read '$text' in:"
    echo "$out"
  fi
}

cut_off() (  # cut_off KIB COMMAND...: no file may grow beyond this, as on a disk that fills up
  ulimit -f "$1"
  trap '' XFSZ
  shift
  exec "$@"
)

as_nobody() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
  else
    "$@"
  fi
}

shapes=$models/shapes-incremental.safetensors

# Full disks.
message=$("$limber" info "$shapes" 2>&1 >/dev/full) && problem "info on a full disk ends with 0"
grep -qF "limber: error: standard output" <<<"$message" || problem "info on a full disk says '$message'"
for option in --help --version; do
  "$limber" $option >/dev/full 2>"$work/said" && problem "$option on a full disk ends with 0"
  grep -qF "standard output: cannot be written" "$work/said" || problem "$option on a full disk: $(cat "$work/said")"
done
"$limber" info "$work/missing" 2>/dev/full
[ $? -eq 1 ] || problem "an error that cannot be said is no error, or a crash"
mkdir "$work/small"
expect 1 "$work/small/trace" cut_off 1 "$limber" run "$shapes" --frames 30 --deadline-ms 1 --burst 1 --trace "$work/small/trace"
message=$("$limber" export onnx "$shapes" --output "$work/fits.onnx" 2>&1)
if [[ $message == *"built without ONNX"* ]]; then
  echo "skipped: export onnx (not in this build)"
else
  expect 1 "$work/small/model.onnx" cut_off 4 "$limber" export onnx "$shapes" --output "$work/small/model.onnx"
fi
[ -z "$(ls -A "$work/small")" ] || problem "left on a full disk: $(ls -A "$work/small")"

# Started without standard streams: what it prints does not go into its files.
"$limber" info "$work/missing" 2>&- ; [ $? -eq 1 ] || problem "without standard error"
"$limber" run "$shapes" --frames 3 --burst 1 --quiet --trace "$work/trace" >&- 2>/dev/null
[ $? -eq 1 ] || problem "run without standard output ends well"
if [ -e "$work/trace" ] && grep -vq '^{' "$work/trace"; then problem "printed into the trace: $(head -n 2 "$work/trace")"; fi
"$limber" info "$shapes" | head -n 1 | grep -q shapes || problem "info | head -n 1"

# Values that nobody means: of an unset variable, of no size, beyond any.
cp "$shapes" "$work/mine.safetensors"
expect 2 "--output: an empty value" "$limber" calibrate norms "$work/mine.safetensors" --images 8 --output ""
expect 2 "--data: an empty value" "$limber" eval "$shapes" --data ""
expect 2 "model: an empty value" "$limber" info ""
expect 2 "'nan' is no finite number" "$limber" run "$shapes" --frames 3 --period-ms nan
expect 2 "'nan' is no finite number" "$limber" profile "$shapes" --seconds nan
expect 2 "--seed: '-1'; legal" "$limber" run "$shapes" --frames 3 --seed -1
expect 2 "--seed: '99999999999999999999'; legal" "$limber" search "$shapes" --seed 99999999999999999999
expect 1 "aim is 'nan'" "$limber" simulate single --versus limber:aim=nan
expect 1 "aim is ''" "$limber" simulate single --versus limber:aim=
expect 1 "named twice" "$limber" simulate single --versus limber,limber
expect 1 "legal: FIRST:COUNT" "$limber" simulate --random=-1:3
expect 2 "not in range 1 to 16384" "$limber" info --architecture shapes-ofa --resolution 0
expect 1 "ended before its first image" "$limber" run "$shapes" --input raw:8x8:rgb:- --quiet </dev/null
cmp -s "$shapes" "$work/mine.safetensors" || problem "a model was replaced by a command that was refused"

# Names need not be UTF-8: JSON says them as well as it can.
cp "$shapes" "$work/"$'\xff.safetensors'
expect 0 '"members"' "$limber" info "$work/"$'\xff.safetensors' --json
expect 0 '"members"' "$limber" eval "$work/"$'\xff.safetensors' --members 25% --json
rm "$work/"$'\xff.safetensors'

# Whoever waits is told at once that the result cannot be written.
message=$("$limber" eval "$shapes" --store --output "$work/none/model" 2>&1) && problem "eval into a missing folder"
[[ $message == "limber: error: $work/none/model: cannot be created: "* ]] || problem "eval, too late: $message"

# Interrupted in the middle: nothing is left, and what was there is as it was.
mkdir "$work/middle"
interrupted() {  # interrupted SIGNAL COMMAND...
  local signal=$1 pid
  shift
  env --default-signal=INT "$limber" "$@" &>"$work/log" &
  pid=$!
  until grep -qF "$work/middle" /proc/$pid/maps 2>/dev/null || ls -l /proc/$pid/fd 2>/dev/null | grep -qF "$work/middle"; do
    kill -0 $pid 2>/dev/null || break
    sleep 0.02
  done
  sleep 0.1
  kill -"$signal" $pid 2>/dev/null || problem "$* ended too early: $(cat "$work/log")"
  wait $pid 2>/dev/null
  local code=$?
  [ $code -eq 1 ] || [ $code -gt 128 ] || problem "$* interrupted: exit code $code: $(cat "$work/log")"
}
cp "$shapes" "$work/middle/model"
for signal in INT TERM KILL; do
  interrupted $signal profile "$work/middle/model" --seconds 60 --output "$work/middle/profile"
  interrupted $signal bench "$work/middle/model" --seconds 60 --peers none --output "$work/middle/bench"
  interrupted $signal calibrate norms "$work/middle/model" --images 100000 --member 100%,75%,50%,25% --memory 0
  interrupted $signal simulate story --seeds 10000 --versus limber --trace "$work/middle/simulated"
done
[ "$(ls -A "$work/middle")" = model ] || problem "left by what was interrupted: $(ls -A "$work/middle")"
cmp -s "$shapes" "$work/middle/model" || problem "an interrupted command changed its model"

# What is no file is not replaced by one.
mkfifo "$work/pipe"
expect 1 "$work/pipe" "$limber" run "$shapes" --frames 3 --burst 1 --trace "$work/pipe"
[ -p "$work/pipe" ] || problem "a pipe was replaced"

# No network: every address is refused.
dead=http://127.0.0.1:1
expect 1 "limber: error: http" env http_proxy=$dead https_proxy=$dead all_proxy=$dead no_proxy= NO_PROXY= \
  "$limber" data get mnist
[ -z "$(find "$work/xdg" -type f)" ] || problem "left without a network: $(find "$work/xdg" -type f)"

# Nothing in the environment; an unprivileged user who may write nowhere.
expect 0 "MMAC" env -i "$limber" info "$shapes"
if as_nobody test -x "$limber" && as_nobody test -r "$shapes"; then
  mkdir -m 755 "$work/theirs"
  [ "$(id -u)" -eq 0 ] || chmod a-w "$work/theirs"
  expect 0 "MMAC" as_nobody env -i LIMBER_CACHE="$work/theirs/cache" "$limber" info "$shapes"
  expect 1 "$work/theirs" as_nobody "$limber" run "$shapes" --frames 3 --burst 1 --trace "$work/theirs/trace"
  expect 1 "$work/theirs" as_nobody env XDG_CACHE_HOME="$work/theirs" "$limber" data get mnist
else
  echo "skipped: an unprivileged user (cannot reach $limber)"
fi

# A training that is killed goes on and ends with the same weights; a full disk leaves the last checkpoint intact.
message=$("$limber" train --help)
if [[ $message == *"not in this build"* ]]; then
  echo "skipped: training (not in this build)"
else
  sed -e "s|\.\./networks|$root/networks|" -e 's/^epochs = .*/epochs = 1/' "$root/recipes/shapes-incremental.toml" \
    >"$work/recipe.toml"
  weights() { "$limber" info "$1" | grep -o 'weights [0-9a-f]*'; }
  command=("$limber" train "$work/recipe.toml" --threads 1 --output)
  "${command[@]}" "$work/whole.safetensors" &>"$work/log" || { problem "training"; cat "$work/log"; }

  "${command[@]}" "$work/killed.safetensors" &>"$work/log" &
  until [ -e "$work/killed.safetensors.checkpoint" ] || ! kill -0 $! 2>/dev/null; do sleep 0.05; done
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null && problem "the training ended before it was killed"
  [ -e "$work/killed.safetensors" ] && problem "a killed training left a model"
  "${command[@]}" "$work/killed.safetensors" &>"$work/log" || { problem "resumed training"; cat "$work/log"; }
  grep -qF "25% epoch" "$work/log" && problem "the killed training began again: $(cat "$work/log")"
  [ "$(weights "$work/whole.safetensors")" = "$(weights "$work/killed.safetensors")" ] ||
    problem "killed and resumed: $(weights "$work/killed.safetensors"), at once: $(weights "$work/whole.safetensors")"

  full=$work/full.safetensors
  expect 1 "$full.checkpoint" cut_off 4 "${command[@]}" "$full"
  [ -z "$(ls -A "$work" | grep '^full')" ] || problem "left by a training on a full disk: $(ls -A "$work" | grep '^full')"
fi
exit $failed
