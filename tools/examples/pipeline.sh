#!/usr/bin/env bash
# The demo's pipeline, in the store that NDSHARE_STORE names:   pipeline.sh BIN_DIR FILE.csv [WORKERS [KILL_EVERY_MS]]
# Three stages, each of several processes, hand batches to each other through streams while processes are killed at random; an
# independent pass over the CSV must give the same report.
set -euo pipefail
bin=$1 csv=$2 workers=${3:-$(nproc)} kill_every_ms=${4:-20}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$bin/flights_pipeline" "$csv" "$workers" "$kill_every_ms" >"$scratch/report"
cat "$scratch/report"

# The same report from the text alone, by awk: the busiest ten, ties by name, and the totals.
independent() {
  LC_ALL=C awk -F, '
    NR > 1 {
      flights[$4]++; delay[$4] += $2; late[$4] += $2 > 15; per_100mi[$4] += $2 / $3 * 100
      hour[$4, substr($1, 12, 2) + 0]++; rows++; total += $2
    }
    END {
      for (origin in flights) {
        busiest = 0
        for (h = 1; h < 24; h++) if (hour[origin, h] + 0 > hour[origin, busiest] + 0) busiest = h
        printf "%-6s %8d %7.2f min %5.1f%% %12.2f %9d h\n", origin, flights[origin], delay[origin] / flights[origin],
               100 * late[origin] / flights[origin], per_100mi[origin] / flights[origin], busiest
      }
      printf "TOTAL  %8d flights, sum of delays %d min\n", rows, total >"/dev/stderr"
    }' "$csv" 2>"$scratch/total" | LC_ALL=C sort -k2,2nr -k1,1 | sed -n 1,10p
  cat "$scratch/total"
}
independent >"$scratch/expected"
if ! diff <(grep -v -e '^PIPELINE' -e '^ORIGIN' "$scratch/report") "$scratch/expected" >"$scratch/difference"; then
  echo "the report differs from an independent computation (<: the report, >: awk):" >&2
  cat "$scratch/difference" >&2
  exit 1
fi
read -r rows delays < <("$bin/ndshare" show totals | tr -d '[]')
awk -v rows="$rows" -v delays="$delays" 'NR > 0 { exit !($2 == rows && $7 == delays) }' <(sed -n '$p' "$scratch/expected") || {
  echo "the shared totals ($rows rows, $delays min) differ from an independent computation" >&2
  exit 1
}
echo "checked: an independent pass over the CSV gives the same report"

echo
COLUMNS=${COLUMNS:-80} "$bin/ndshare" streams ls
echo
COLUMNS=${COLUMNS:-80} "$bin/ndshare" ls
echo
"$bin/ndshare" df
