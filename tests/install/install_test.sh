#!/usr/bin/env bash
# usage: install_test.sh BUILD_DIR CONSUMER_DIR CXX
set -euo pipefail
build=$1 consumer=$2 cxx=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
libdir=$(dirname "$(find "$scratch/prefix" -name libndshare.so)")

echo "== find_package"
cmake -S "$consumer" -B "$scratch/build" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_CXX_COMPILER="$cxx" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build"
"$scratch/build/consumer"
"$scratch/build/array_consumer"

echo "== pkg-config"
# The .pc file carries the configured prefix; a relocated tree says where it is.
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
"$cxx" -std=c++20 "$consumer/consumer.cc" -o "$scratch/by_pkg_config" \
  $(pkg-config --define-variable=prefix="$scratch/prefix" --cflags --libs ndshare)
LD_LIBRARY_PATH=$libdir "$scratch/by_pkg_config"

echo "== the installed programs"
"$scratch/prefix/bin/ndshare" version
test -f "$scratch/prefix/lib/systemd/system/ndshared@.service"
# A soname, and nothing exported but the public interface.
readelf -d "$libdir/libndshare.so" | grep -q 'SONAME.*libndshare\.so\.0'
leaked=$(nm -DC --defined-only "$libdir/libndshare.so" | grep -E ' T (boost|nlohmann|spdlog|hwy|ndshare::internal)::' | head -n 5 || true)
if [ -n "$leaked" ]; then
  echo "internal symbols are exported:"
  echo "$leaked"
  exit 1
fi
