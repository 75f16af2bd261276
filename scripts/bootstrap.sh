#!/bin/sh
# Installs what the checkout needs from npm, then runs the given command on the Node that package.json pins.
# It runs on any POSIX shell with Node >= 20, and can be run twice: what is installed is left alone.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'longshore: %s\n' "$1" >&2; exit 1; }
command -v node >/dev/null 2>&1 || fail 'Node.js is needed: install Node 20 or later, with npm, and run this again.'
command -v npm >/dev/null 2>&1 || fail 'npm is needed: install it beside Node.js and run this again.'
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] ||
  fail "Node 20 or later is needed to begin with; this is $(node --version)."

# A folder's packages are current when the stamp of the last complete install names its lock file.
current() { [ "$(cat "$1/node_modules/.longshore-lock" 2>/dev/null)" = "$(cksum <"$1/package-lock.json") $2" ]; }
stamp() { printf '%s %s\n' "$(cksum <"$1/package-lock.json")" "$2" >"$1/node_modules/.longshore-lock"; }

if ! current . packages; then
  echo 'longshore: installing npm packages (about a minute with an empty cache) ...'
  npm ci --no-fund --no-audit --loglevel=error
  stamp . packages
fi

# node-llama-cpp would bring the binaries of every platform and GPU, over 700 MB: only this platform's is taken. That is
# why it has a folder and a lock file of its own, and `npm install`, which follows the lock file as `npm ci` does but
# accepts a package beside it.
runtime=src/runtime-image
platform="$(node -p 'process.platform.replace("darwin", "mac") + "-" + process.arch')"
[ "$platform" = mac-arm64 ] && platform=mac-arm64-metal
if ! current "$runtime" "$platform"; then
  echo "longshore: installing node-llama-cpp for $platform ..."
  engine="$(node -p "require('./$runtime/package.json').dependencies['node-llama-cpp']")"
  (cd "$runtime" && rm -rf node_modules &&
    npm install --no-save --omit=optional --ignore-scripts --no-fund --no-audit --loglevel=error \
      "@node-llama-cpp/$platform@$engine")
  stamp "$runtime" "$platform"
fi

PATH="$PWD/node_modules/.bin:$PATH" exec "$@"
