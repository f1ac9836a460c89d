#!/usr/bin/env python3
"""Writes the Grafana dashboard of a store's metrics from the list of metrics.

usage: make_dashboard.py LIST > ndshare.json         LIST: include/ndshare/metric_list.inc
       make_dashboard.py LIST --check ndshare.json   exit 1 where the file is not what the list says
"""
import json
import re
import sys

ROW = re.compile(r'^NDSHARE_METRIC\((\w+), (\w+), (\w+), "([^"]*)", "([^"]*)"\)$', re.M)
WIDTH, HEIGHT = 8, 8  # of a graph; the dashboard has 24 columns
SOURCE = {"type": "prometheus", "uid": "${source}"}


def read_metrics(path):
    text = open(path, encoding="utf-8").read()
    rows = [dict(zip(("id", "kind", "unit", "help", "panel"), row)) for row in ROW.findall(text)]
    declared = len(re.findall(r"^NDSHARE_METRIC\(", text, re.M))
    if len(rows) != declared:
        sys.exit(f"{path}: {declared} metrics, of which {declared - len(rows)} cannot be read")
    return rows


def target(expression, legend, ref):
    return {"datasource": SOURCE, "expr": expression, "legendFormat": legend, "refId": ref}


def targets(metric):
    name = "ndshare_" + metric["id"]
    if metric["kind"] == "histogram":
        by = f"sum by (le) (rate({name}_bucket{{instance=~\"$instance\"}}[$__rate_interval]))"
        return [target(f"histogram_quantile({q}, {by})", f"p{q * 100:g}", ref) for q, ref in ((0.5, "A"), (0.9, "B"), (0.99, "C"))]
    series = f'{name}{{instance=~"$instance"}}'
    if metric["kind"] == "counter":
        return [target(f"rate({series}[$__rate_interval])", "__auto", "A")]
    return [target(series, "__auto", "A")]


def unit(metric):
    if metric["kind"] != "counter":
        return metric["unit"]
    return "Bps" if metric["unit"] == "bytes" else "ops"


def panels(metrics):
    out, y, x, last = [], 0, 0, None
    for metric in metrics:
        if metric["panel"] != last:
            y += HEIGHT if x else 0
            out.append({"type": "row", "id": len(out) + 1, "title": metric["panel"], "collapsed": False, "panels": [],
                        "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
            x, y, last = 0, y + 1, metric["panel"]
        if x == 24:
            x, y = 0, y + HEIGHT
        out.append({"type": "timeseries", "id": len(out) + 1, "title": "ndshare_" + metric["id"], "description": metric["help"],
                    "datasource": SOURCE, "gridPos": {"h": HEIGHT, "w": WIDTH, "x": x, "y": y},
                    "fieldConfig": {"defaults": {"unit": unit(metric)}, "overrides": []}, "targets": targets(metric)})
        x += WIDTH
    return out


def dashboard(metrics):
    variables = [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Data source"},
                 {"name": "instance", "type": "query", "label": "Store", "datasource": SOURCE, "multi": True, "includeAll": True,
                  "query": {"query": "label_values(ndshare_up, instance)", "refId": "instance"}, "refresh": 2}]
    return {"title": "ndshare", "uid": "ndshare", "tags": ["ndshare"], "schemaVersion": 38, "refresh": "15s",
            "time": {"from": "now-1h", "to": "now"}, "templating": {"list": variables}, "panels": panels(metrics)}


def main(arguments):
    text = json.dumps(dashboard(read_metrics(arguments[0])), indent=1) + "\n"
    if len(arguments) == 3 and arguments[1] == "--check":
        if open(arguments[2], encoding="utf-8").read() == text:
            return 0
        print(f"{arguments[2]} is not what the list says: make it anew with {sys.argv[0]} {arguments[0]} > {arguments[2]}")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
