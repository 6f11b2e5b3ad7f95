#!/bin/sh
# Makes the virtual environment and installs one hashed list into it. Usage: make-venv.sh PYTHON VENV LIST
# What is missing on the machine is told in one line.
set -eu
python=$1 venv=$2 list=$3

fail() {
  echo "setup: $1" >&2
  exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "$python was not found. On Debian: apt-get install make git python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "Python 3.11 or later is needed; $python is $("$python" -c 'import platform; print(platform.python_version())'). Name another one with: make PYTHON=python3.11"
[ -w . ] || fail "the folder $(pwd) cannot be written; clone the project to a folder of yours."
if [ ! -x "$venv/bin/pip" ]; then
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "the venv module of $python is missing. On Debian: apt-get install make git python3-venv"
  echo "Creating the virtual environment in $venv ..."
  "$python" -m venv "$venv" || fail "the virtual environment in $venv could not be created."
fi
echo "Installing $list ..."
"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$list" ||
  fail "the packages of $list could not be installed; is the package registry reachable?"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ||
  fail "the project itself could not be installed."
