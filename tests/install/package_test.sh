#!/usr/bin/env bash
# usage: package_test.sh BUILD_DIR
# Builds the Debian package, looks at what is in it, runs it from a scratch root; as root in a container also installs and
# removes it. Every part that is left out says why.
set -euo pipefail
build=$1
scratch=$(mktemp -d)
store="package-test-$$"
cleanup() {
  if [ -x "$scratch/root/usr/bin/ndshare" ]; then  # a failed test's daemon
    "$scratch/root/usr/bin/ndshare" --store "$store" stop --force >/dev/null 2>&1 || true
  fi
  rm -rf "$scratch"
}
trap cleanup EXIT
unset NDSHARE_DAEMON NDSHARE_STORE

for tool in cpack dpkg-deb dpkg-shlibdeps; do
  command -v "$tool" >/dev/null || { echo "package: $tool is not here (tools/bootstrap installs it)"; exit 1; }
done
echo "== build"
(cd "$build" && cpack -G DEB -B "$scratch" >"$scratch/log" 2>&1) || { cat "$scratch/log"; exit 1; }
deb=$(find "$scratch" -maxdepth 1 -name 'ndshare_*.deb')
dpkg-deb --field "$deb" Package Version Architecture Depends Installed-Size

echo "== contents"
dpkg-deb --extract "$deb" "$scratch/root"
cd "$scratch/root"
for path in usr/bin/ndshare usr/bin/ndshared usr/include/ndshare/ndshare.h usr/lib/systemd/system/ndshared@.service \
            usr/lib/systemd/user/ndshared@.service usr/lib/systemd/user/ndshared@.socket usr/lib/sysusers.d/ndshare.conf \
            usr/share/bash-completion/completions/ndshare usr/share/zsh/vendor-completions/_ndshare \
            usr/share/fish/vendor_completions.d/ndshare.fish usr/share/ndshare/grafana/ndshare.json usr/share/doc/ndshare/copyright; do
  [ -e "$path" ] || { echo "package: $path is missing"; exit 1; }
done
ls usr/share/man/man1/ndshare.1* usr/share/man/man8/ndshared.8* >/dev/null
find usr/lib -name 'libndshare.so.0' | grep -q .
grep -q '^ExecStart=/usr/bin/ndshared ' usr/lib/systemd/system/ndshared@.service
grep -q '^ExecStart=/usr/bin/ndshared ' usr/lib/systemd/user/ndshared@.service
if find . -path '*tests*' | grep -q .; then echo "package: files that do not belong"; exit 1; fi
if grep -rlI "$build" . | grep -q .; then echo "package: names the folder it was built in:"; grep -rlI "$build" .; exit 1; fi

echo "== run"
LD_LIBRARY_PATH=$(dirname "$(find "$PWD/usr/lib" -name libndshare.so.0)")
export LD_LIBRARY_PATH
usr/bin/ndshare --store "$store" start --capacity 64M --timeout 60
usr/bin/ndshare --store "$store" create a --dtype f8 --shape 10
usr/bin/ndshare --store "$store" log --event create | grep -q ': a$'
usr/bin/ndshare --store "$store" stop --force --timeout 60
unset LD_LIBRARY_PATH

echo "== units"
if command -v systemd-analyze >/dev/null; then
  mkdir "$scratch/units"
  sed "s|/usr/bin/ndshared|$PWD/usr/bin/ndshared|" usr/lib/systemd/system/ndshared@.service >"$scratch/units/ndshared@test.service"
  systemd-analyze security --offline=yes "$scratch/units/ndshared@test.service" 2>/dev/null | tail -n 1
  systemd-analyze security --offline=yes --threshold=40 "$scratch/units/ndshared@test.service" >/dev/null 2>&1 ||
    { echo "package: the unit is more exposed than 4.0"; exit 1; }
else
  echo "not checked: systemd-analyze is not here"
fi

echo "== scripts"
dpkg-deb --control "$deb" "$scratch/control"
for script in postinst prerm postrm; do sh -n "$scratch/control/$script"; done

echo "== install and remove"
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' ndshare 2>/dev/null || true)" = installed ]; }
if [ "$(id -u)" -ne 0 ]; then
  echo "not done: not root"
elif ! systemd-detect-virt --container --quiet 2>/dev/null && [ ! -e /.dockerenv ] && [ "${NDSHARE_TEST_INSTALL:-}" != 1 ]; then
  echo "not done: this is no container (NDSHARE_TEST_INSTALL=1 does it all the same)"
elif installed; then
  echo "not done: ndshare is installed here"
else
  had_user=$(id ndshare >/dev/null 2>&1 && echo yes || echo no)
  undo() {
    dpkg --purge ndshare >/dev/null 2>&1 || true
    [ "$had_user" = yes ] || userdel ndshare >/dev/null 2>&1 || true
    cleanup
  }
  trap undo EXIT
  dpkg --install "$deb" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  store="package-test-$$"
  /usr/bin/ndshare version
  /usr/bin/ndshare --store "$store" start --capacity 64M --timeout 60
  before=$(/usr/bin/ndshare --store "$store" --json status | grep -o '"pid":[0-9]*' | head -n 1)
  dpkg --install "$deb" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }  # the upgrade, to the same version
  grep -q "daemons that run were left alone.*-$store" "$scratch/log" || { echo "package: the upgrade says nothing of the daemon"; cat "$scratch/log"; exit 1; }
  after=$(/usr/bin/ndshare --store "$store" --json status | grep -o '"pid":[0-9]*' | head -n 1)
  [ "$before" = "$after" ] || { echo "package: the upgrade ended the daemon"; exit 1; }
  /usr/bin/ndshare --store "$store" stop --force --timeout 60
  dpkg --purge ndshare >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  if [ -e /usr/bin/ndshare ] || [ -e /usr/include/ndshare ] || [ -e /usr/share/ndshare ]; then echo "package: files stay behind"; exit 1; fi
  echo "installed, upgraded beside a running daemon, removed"
fi
