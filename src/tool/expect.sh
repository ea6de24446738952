# SPDX-License-Identifier: Apache-2.0
# For the tests of the command line, which source it: a command's exit code and what it says. `exit $failed` at the end.
failed=0

problem() { echo "FAILED: $*"; failed=1; }

expect() {  # expect CODE TEXT COMMAND...
  local code=$1 text=$2 out
  shift 2
  out=$("$@" 2>&1)
  local got=$?
  { [ $got -eq "$code" ] && grep -qF -- "$text" <<<"$out"; } ||
    problem "$* -> exit $got (expected $code), expected to read '$text' in: $out"
}
