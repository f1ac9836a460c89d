#!/usr/bin/env bash
# usage: units_test.sh BUILD_DIR
# The units under a real systemd: a service manager of their own, with its processes, mounts and /dev/shm, in a cgroup below this
# process's: all of it goes with its first process. Exit 77, with the reason, where that cannot be had.
set -euo pipefail
build=$1
not_done() { echo "not done: $*"; exit 77; }

if [ "${2:-}" != inside ]; then
  [ -x /lib/systemd/systemd ] || not_done "systemd is not here"
  [ "$(id -u)" -eq 0 ] || not_done "not root"
  namespaces=(--mount --pid --fork --kill-child --mount-proc --cgroup)
  unshare "${namespaces[@]}" true 2>/dev/null || not_done "no namespaces of its own here"
  for path in "$(realpath "$build")" "$(realpath "$0")"; do
    case "$path" in /tmp/* | /run/* | /dev/shm/*) not_done "$path is in a folder that is hidden inside" ;; esac
  done
  hierarchies=()  # where processes are grouped for systemd: one of version 1 by that name, the one of version 2
  while read -r _ path type options _; do
    mine=
    [ "$type" = cgroup2 ] && mine=$(sed -n 's/^0:://p' /proc/self/cgroup)
    [ "$type" = cgroup ] && [[ ,$options, = *,name=systemd,* ]] && mine=$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup)
    [ -z "$mine" ] || hierarchies+=("$type:$path:$path${mine%/}")
  done </proc/mounts
  [ ${#hierarchies[@]} -gt 0 ] || not_done "no cgroups here"
  leave() {  # back to where this process was
    for each in "${hierarchies[@]}"; do
      [ -d "${each##*:}/ndshare-units-$$" ] || continue
      echo $$ >"${each##*:}/cgroup.procs" || true
      find "${each##*:}/ndshare-units-$$" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
  }
  trap leave EXIT
  for each in "${hierarchies[@]}"; do
    for old in "${each##*:}"/ndshare-units-*; do  # of tests that were killed
      [ ! -d "$old" ] || [ -e "/proc/${old##*-}" ] || find "$old" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    { mkdir "${each##*:}/ndshare-units-$$" && echo $$ >"${each##*:}/ndshare-units-$$/cgroup.procs"; } 2>/dev/null ||
      not_done "no cgroup of its own here"
  done
  unshare "${namespaces[@]}" "$0" "$build" inside "${hierarchies[@]}"
  exit
fi

# Of the cgroups, nothing but those: a manager that sees other hierarchies moves processes in them.
mount -t tmpfs tmpfs /sys/fs/cgroup || not_done "no mounts of its own here"
for each in "${@:3}"; do
  IFS=: read -r type path _ <<<"$each"
  mkdir -p "$path"
  only=(-t "$type")
  [ "$type" = cgroup2 ] || only+=(-o none,name=systemd)
  mount "${only[@]}" cgroup "$path" || not_done "no cgroups in the namespace"
done
for dir in /run /tmp /dev/shm; do mount -t tmpfs tmpfs "$dir" || not_done "no mounts of its own here"; done
mkdir -p /run/systemd/system /run/manager /tmp/home  # the first one says that systemd runs the machine
export XDG_RUNTIME_DIR=/run/manager HOME=/tmp/home XDG_CONFIG_HOME=/tmp/home/config NO_COLOR=1
unset NDSHARE_DAEMON NDSHARE_STORE DBUS_SESSION_BUS_ADDRESS XDG_DATA_HOME XDG_DATA_DIRS XDG_STATE_HOME XDG_CACHE_HOME XDG_CONFIG_DIRS
cmake --install "$build" --prefix /run/prefix >/tmp/log || { cat /tmp/log; exit 1; }
mkdir -p "$XDG_CONFIG_HOME"/systemd/user "$XDG_CONFIG_HOME"/ndshare
cp "$(dirname "$0")"/../../tools/systemd/user-ndshared@.socket "$XDG_CONFIG_HOME"/systemd/user/ndshared@.socket
sed 's|@BINDIR@|/run/prefix/bin|' "$(dirname "$0")"/../../tools/systemd/user-ndshared@.service.in \
  >"$XDG_CONFIG_HOME"/systemd/user/ndshared@.service
echo 'NDSHARED_OPTIONS=--capacity 64M' >"$XDG_CONFIG_HOME"/ndshare/units.env

(SYSTEMD_LOG_TARGET=console exec /lib/systemd/systemd --user --unit=basic.target) >/tmp/manager.log 2>&1 &
manager=$!
ctl() { timeout 60 systemctl --user "$@"; }
nds() { timeout 60 /run/prefix/bin/ndshare --store units "$@"; }
fail() {
  echo "units: $*"
  ctl status 'ndshared@units.*' --no-pager 2>&1 | head -n 30 || true
  tail -n 20 /tmp/manager.log
  exit 1
}
until_is() {  # until_is WORD COMMAND...: in ten seconds
  local word=$1
  shift
  for _ in $(seq 100); do
    [ "$("$@" 2>/dev/null || true)" = "$word" ] && return 0
    sleep 0.1
  done
  fail "'$*' prints '$("$@" 2>&1 || true)' and not '$word'"
}
main_pid() { ctl show ndshared@units.service --property MainPID --value; }
state() { ctl show ndshared@units.service --property ActiveState --value; }
holds_array() { [ "$(nds eval 'sum(a)' 2>&1)" = 4950 ] || fail "the array is not what it was $1: $(nds eval 'sum(a)' 2>&1)"; }

for _ in $(seq 100); do
  ctl is-system-running >/tmp/log 2>&1 && break
  kill -0 "$manager" 2>/dev/null || not_done "systemd --user does not run here: $(cat /tmp/manager.log)"
  sleep 0.1
done
ctl is-system-running >/tmp/log 2>&1 || not_done "systemd --user is not up after ten seconds: $(cat /tmp/log /tmp/manager.log)"

echo "== the socket starts the daemon for its first client"
ctl enable --now ndshared@units.socket 2>/dev/null || fail "the socket cannot be enabled"
[ "$(state)" = inactive ] || fail "the daemon runs before anybody came"
nds eval 'a = arange(100)' >/tmp/log 2>&1 || fail "the first client: $(cat /tmp/log)"
until_is active state
nds status --json | grep -q "\"pid\":$(main_pid)[,}]" || fail "the daemon is not the unit's"
nds status --json | grep -q '"capacity_bytes":67108864' || fail "the options are not the environment file's"

echo "== a restart and a stop keep the memory"
before=$(main_pid)
ctl restart ndshared@units.service || fail "restart"
[ "$(main_pid)" != "$before" ] || fail "the same process after a restart"
holds_array "after a restart"
ctl stop ndshared@units.service ndshared@units.socket 2>/dev/null || fail "stop"
[ "$(state)" = inactive ] || fail "stopped, and $(state)"
ls /dev/shm/*units* >/dev/null 2>&1 || fail "a stop removed the memory"
ctl start ndshared@units.socket || fail "start of the socket"
holds_array "after a stop and a start"

echo "== killed, it is started again"
before=$(main_pid)
[ "$before" -gt 1 ] || fail "there is no daemon to kill"
ctl stop ndshared@units.socket 2>/dev/null || fail "stop of the socket"  # nobody else is to start it
[ "$(main_pid)" = "$before" ] || fail "the daemon went with its socket"
kill -9 "$before"
for _ in $(seq 100); do [ "$(main_pid)" != "$before" ] && [ "$(state)" = active ] && break; sleep 0.1; done
{ [ "$(main_pid)" != "$before" ] && [ "$(state)" = active ]; } || fail "not started again: $(state)"
holds_array "after kill -9"

echo "== ended for good, it stays so"
nds stop --force || fail "ndshare stop"
until_is inactive state
echo "== the system's unit: a user of its own, and shut in"
for file in passwd group; do  # as sysusers.d makes them
  { grep -v '^ndshare:' /etc/$file; [ $file = passwd ] && echo 'ndshare:x:61000:61000::/:/usr/sbin/nologin' || echo 'ndshare:x:61000:'; } >/run/$file
  mount --bind /run/$file /etc/$file
done
sed 's|@BINDIR@|/run/prefix/bin|; s|^EnvironmentFile=.*|Environment="NDSHARED_OPTIONS=--capacity 64M"|' \
  "$(dirname "$0")"/../../tools/systemd/system-ndshared@.service.in >"$XDG_CONFIG_HOME"/systemd/user/shut-in@.service
ln -s "$XDG_RUNTIME_DIR"/systemd/inaccessible /run/systemd/  # what hides files: there by a system's manager, here by a user's
chmod 777 "$XDG_RUNTIME_DIR"/systemd/notify  # a user's manager expects no other user's daemon there
ctl daemon-reload
ctl start shut-in@sys.service || fail "the system's unit does not start: $(ctl status shut-in@sys.service --no-pager 2>&1 | head -n 20)"
sys() { timeout 60 /run/prefix/bin/ndshare --store ndshare:sys "$@"; }
sys eval 'a = arange(100)' >/tmp/log 2>&1 || fail "a client of the system's store: $(cat /tmp/log)"
pid=$(ctl show shut-in@sys.service --property MainPID --value)
grep -q '^Uid:.61000' "/proc/$pid/status" || fail "the daemon is not the user ndshare's"
grep -q '^CapEff:.0000000000000000' "/proc/$pid/status" || fail "the daemon has capabilities"
grep -q '^Seccomp:.2' "/proc/$pid/status" || fail "no filter of system calls"
ctl restart shut-in@sys.service || fail "restart"
[ "$(sys eval 'sum(a)' 2>&1)" = 4950 ] || fail "the system's store lost its array: $(sys eval 'sum(a)' 2>&1)"
sys stop --force || fail "ndshare stop"

echo "both units: started (the user's by its socket), restarted, ended; the user's stopped and killed, too; under $(/lib/systemd/systemd --version | head -n 1)"
