// ndshare metrics: the store's numbers, as Prometheus reads them.
#include <array>
#include <charconv>
#include <cstdio>
#include <ostream>

#include <ndshare/telemetry.h>

#include "tools/cli/describe.h"
#include "tools/cli/telemetry.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

constexpr std::array kKindNames = {"counter", "gauge", "histogram"};  // by MetricKind

/// The shortest text that reads back as this number.
std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto done = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), done.ptr};
}

/// As prometheus-cpp writes it: bounds are labels, and series of the verb and of the endpoint must be the same.
std::string bound_text(double bound) {
  std::array<char, 32> text{};
  return {text.data(), static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%g", bound))};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

/// {a="b",c="d"}; `bound` adds a histogram's le.
std::string label_text(const admin::MetricSample& sample, const std::string& bound = {}) {
  std::string out;
  for (const auto& [name, value] : sample.labels) out += (out.empty() ? "" : ",") + name + "=\"" + escaped(value) + "\"";
  if (!bound.empty()) out += std::string(out.empty() ? "" : ",") + "le=\"" + bound + "\"";
  return out.empty() ? out : "{" + out + "}";
}

void print_histogram(std::ostream& out, const std::string& name, const admin::MetricSample& sample) {
  const auto all = sample.cumulative.empty() ? 0 : sample.cumulative.back();
  out << name << "_count" << label_text(sample) << ' ' << all << '\n';
  out << name << "_sum" << label_text(sample) << ' ' << number_text(sample.sum) << '\n';
  for (std::size_t i = 0; i < sample.cumulative.size(); ++i) {
    const auto bound = i < sample.bounds.size() ? bound_text(sample.bounds[i]) : "+Inf";
    out << name << "_bucket" << label_text(sample, bound) << ' ' << sample.cumulative[i] << '\n';
  }
}

void print_metric(std::ostream& out, const admin::MetricInfo& metric) {
  if (metric.samples.empty()) return;
  out << "# HELP " << metric.name << ' ' << metric.help << '\n';
  out << "# TYPE " << metric.name << ' ' << kKindNames[static_cast<std::size_t>(metric.kind)] << '\n';
  for (const auto& sample : metric.samples) {
    if (metric.kind == admin::MetricKind::histogram) {
      print_histogram(out, metric.name, sample);
    } else {
      out << metric.name << label_text(sample) << ' ' << number_text(sample.value) << '\n';
    }
  }
}

Json sample_json(const admin::MetricSample& sample, admin::MetricKind kind) {
  Json labels = Json::object();
  for (const auto& [name, value] : sample.labels) labels[name] = value;
  if (kind != admin::MetricKind::histogram) return {{"labels", labels}, {"value", sample.value}};
  return {{"labels", labels}, {"bounds", sample.bounds}, {"cumulative", sample.cumulative}, {"sum", sample.sum}};
}

int metrics(Context& context) {
  const auto list = with_way_to_start(context, [&] { return admin::metrics(context.store); });
  if (!context.json) {
    for (const auto& metric : list) print_metric(context.out, metric);
    return 0;
  }
  Json json = Json::array();
  for (const auto& metric : list) {
    Json samples = Json::array();
    for (const auto& sample : metric.samples) samples.push_back(sample_json(sample, metric.kind));
    json.push_back({{"name", metric.name},
                    {"kind", kKindNames[static_cast<std::size_t>(metric.kind)]},
                    {"help", metric.help},
                    {"samples", samples}});
  }
  print_json(context.out, json);
  return 0;
}

}  // namespace

Logic setup_metrics(Flags&) {
  return [](Context& context) { return metrics(context); };
}

}  // namespace ndshare::cli
