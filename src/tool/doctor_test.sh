#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `limber doctor` on this machine, on copied trees and on reports. usage: doctor_test.sh LIMBER TREES
set -uo pipefail
. "$(dirname "$0")/expect.sh"
limber=$1 trees=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect 0 "Example" "$limber" doctor --help
expect 2 "" "$limber" doctor --nonsense
expect 1 "no folder" "$limber" doctor --sysfs-root "$work/none"
expect 1 "no report" "$limber" doctor --sysfs-root "$0"
expect 0 "monitors:" "$limber" doctor
expect 0 '"processors":[' "$limber" doctor --json

# An empty machine is no failure.
mkdir "$work/empty"
expect 0 "no /sys here" "$limber" doctor --sysfs-root "$work/empty"

# A copied folder.
policy=$work/tree/sys/devices/system/cpu/cpufreq/policy0
mkdir -p "$policy"
echo 0-1 >"$policy/related_cpus"; echo 300000 600000 >"$policy/scaling_available_frequencies"
echo schedutil >"$policy/scaling_governor"; echo 300000 >"$policy/scaling_min_freq"; echo 600000 >"$policy/scaling_max_freq"
echo 0-1 >"$work/tree/sys/devices/system/cpu/online"
expect 0 "300 to 600 MHz, governor schedutil" "$limber" doctor --sysfs-root "$work/tree"
[ "$(cat "$policy/scaling_max_freq")" = 600000 ] || problem "doctor changed a setting"

# Boards as reports: what each has.
while read -r board text; do
  expect 0 "$text" "$limber" doctor --sysfs-root "$trees/$board.txt"
done <<'BOARDS'
odroid-xu3 power-sensor@40
odroid-xu3 clock of A15
jetson-xavier-nx VDD_CPU_GPU_CV
jetson-xavier-nx pmode:0002
jetson-nano POM_5V_CPU
jetson-nano power of the board (ina3221x)
raspberry-pi-5 2.230 W
raspberry-pi-5 not now, but since boot
intel-laptop power-profiles-daemon owns it
intel-laptop CPUs 2-5
bare-vm virtual machine
bare-vm --power-from
BOARDS

if command -v python3 >/dev/null; then
  for board in "$trees"/*.txt; do
    "$limber" doctor --json --sysfs-root "$board" | python3 -c '
import json, sys
found = json.load(sys.stdin)
assert found["processors"] and found["knobs"] and found["monitors"]
for each in found["knobs"] + found["monitors"]:
    assert each["supported"] or each["reason"], each
for each in found["knobs"]:
    assert each["supported"] or not each["writable"], each' || problem "$board: --json"
  done
fi

# A meter of the user's.
echo 4.25 >"$work/watts"
expect 0 "4.250 W" "$limber" doctor --power-from "$work/watts"
expect 0 "6.500 W" "$limber" doctor --power-from "while :; do echo 6.5; sleep 0.02; done"
expect 0 "no value yet" "$limber" doctor --power-from "exit 3"
expect 1 "no such file or program" "$limber" doctor --power-from "$work/no-meter"

# A report can be looked at again and says the same of all that files tell; nobody's name is in it.
for board in odroid-xu3 jetson-nano raspberry-pi-5; do
  "$limber" doctor --sysfs-root "$trees/$board.txt" --report "$work/report" >"$work/first" 2>/dev/null || problem "$board: no report"
  "$limber" doctor --sysfs-root "$work/report" >"$work/second" || problem "$board: its report is not read"
  diff <(grep -E '^  (A|gpu|clock|power|temp|press|cooling|firm)' "$work/first") \
       <(grep -E '^  (A|gpu|clock|power|temp|press|cooling|firm)' "$work/second") >"$work/diff" ||
    problem "$board: its report shows something else: $(cat "$work/diff")"
done
"$limber" doctor --report "$work/mine" >/dev/null 2>&1 || problem "no report of this machine"
for name in "$(hostname)" "$(id -un)"; do
  [ ${#name} -gt 3 ] && grep -qwF -- "$name" "$work/mine" && problem "the report holds '$name'"
done
grep -qE '^/proc/([0-9]+|self)' "$work/mine" && problem "the report holds files of processes"
grep -q "Serial" "$work/mine" && problem "the report holds a serial number"
"$limber" doctor --power-from "sh /home/somebody/meter" --report "$work/mine" >/dev/null 2>&1
grep -q somebody "$work/mine" && problem "the report holds the command of the meter"
expect 1 "report" "$limber" doctor --report "$work/none/report"
exit $failed
