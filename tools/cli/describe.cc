#include "tools/cli/describe.h"

#include <algorithm>
#include <array>
#include <complex>
#include <ctime>
#include <ostream>
#include <variant>

#include <ndshare/print.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

Json scalar_json(const Scalar& scalar) {
  return std::visit(
      [](const auto& value) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::complex<double>>) {
          return Json::array({value.real(), value.imag()});
        } else {
          return value;
        }
      },
      scalar.value());
}

/// One element: a 0-d array.
Json element_json(const Array& element) {
  const auto& dtype = element.dtype();
  if (dtype.is_structured()) {
    Json object = Json::object();
    for (const auto& field : dtype.fields()) object[field.name] = to_json_values(element[field.name]);
    return object;
  }
  if (dtype.is_time()) return element_to_string(element, {});
  return scalar_json(element.item());
}

/// "f4" for '<f4', "(x:f4,y:f4)" for a structure in a structure.
std::string compact_field(const Field& field) {
  std::string text = field.dtype.is_structured() ? "(" + compact_dtype(field.dtype) + ")" : field.dtype.str();
  if (text.starts_with('<') || text.starts_with('|')) text.erase(0, 1);
  return field.name + ":" + (field.shape.ndim() == 0 ? "" : field.shape.str()) + text;
}

}  // namespace

std::string compact_dtype(const DType& dtype) {
  if (!dtype.is_structured()) return dtype.to_string();
  std::string text;
  for (const auto& field : dtype.fields()) text += (text.empty() ? "" : ",") + compact_field(field);
  return text;
}

void Record::add(std::string key, Json value, std::string text) {
  std::string label = key;
  for (const std::string_view unit : {"_bytes", "_s"}) {
    if (label.ends_with(unit)) label.resize(label.size() - unit.size());
  }
  std::replace(label.begin(), label.end(), '_', ' ');
  if (!text.empty()) lines_.push_back({std::move(label), std::move(text)});
  json_[std::move(key)] = std::move(value);
}

void Record::add_bytes(std::string key, std::uint64_t bytes) {
  add(std::move(key), bytes, internal::format_bytes(bytes));
}

void Record::add_count(std::string key, std::uint64_t count) {
  add(std::move(key), count, internal::format_count(count));
}

void Record::add_text(std::string key, const std::string& text) { add(std::move(key), text, one_line(text)); }

void Record::print(Context& context) const {
  if (context.json) return print_json(context.out, json_);
  std::size_t widest = 0;
  for (const auto& line : lines_) widest = std::max(widest, line.label.size());
  for (const auto& line : lines_)
    context.out << line.label << std::string(widest - line.label.size() + 2, ' ') << line.text << '\n';
}

std::string one_line(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("'\"\\"), text.size());
    result += internal::printable(text.substr(0, end));
    if (end < text.size()) result += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

void print_json(std::ostream& out, const Json& value) {
  out << value.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

std::string rows_text(const Rows& rows) {
  if (rows == Rows{}) return "all";
  return std::to_string(rows.first) + ":" + (rows.last < 0 ? "" : std::to_string(rows.last));
}

Json rows_json(const Rows& rows) { return Json::array({rows.first, rows.last}); }

Json to_json(const std::vector<TornRows>& torn) {
  Json list = Json::array();
  for (const auto& range : torn)
    list.push_back({{"rows", rows_json(range.rows)}, {"pid", range.pid}, {"unix_ns", range.unix_ns}});
  return list;
}

Json to_json(const ArrayInfo& info) {
  return {{"name", info.name},
          {"dtype", info.dtype.to_string()},
          {"shape", std::vector<std::int64_t>(info.shape.begin(), info.shape.end())},
          {"nbytes", info.nbytes},
          {"version", info.version},
          {"sealed", info.sealed},
          {"state", state_name(info)},
          {"snapshot", info.snapshot},
          {"source_version", info.snapshot ? Json(info.source_version) : Json(nullptr)},
          {"torn", to_json(info.torn)},
          {"order", info.order == Order::C ? "C" : "F"},
          {"extent_bytes", info.extent_bytes},
          {"extents", info.extents},
          {"lifetime", info.lifetime == Lifetime::persistent ? "persistent" : "session"},
          {"created_unix_ns", info.created_unix_ns},
          {"attrs", info.attrs}};
}

Json to_json(const admin::ClientInfo& client) {
  return {{"id", client.slot},
          {"pid", client.pid},
          {"command", client.command},
          {"uid", client.uid},
          {"role", client.role == Role::read_only ? "read_only" : "read_write"},
          {"since_unix_ns", client.since_unix_ns}};
}

Json to_json_values(const Array& array) {
  if (array.ndim() == 0) return element_json(array);
  Json list = Json::array();
  for (std::int64_t i = 0; i < array.shape(0); ++i) list.push_back(to_json_values(array(i)));
  return list;
}

Record describe(const admin::StatusInfo& status) {
  Record record;
  record.add_text("store", status.store);
  record.add("pid", status.pid, status.pid == 0 ? "no daemon runs" : std::to_string(status.pid));
  record.add("uptime_s", status.uptime_s, status.pid == 0 ? "" : internal::format_seconds(status.uptime_s));
  record.add_bytes("capacity_bytes", status.pool.capacity_bytes);
  record.add_bytes("used_bytes", status.pool.used_bytes);
  record.add_bytes("warm_bytes", status.pool.warm_bytes);
  record.add_count("arrays", status.arrays);
  Json clients = Json::array();
  for (const auto& client : status.clients) clients.push_back(to_json(client));
  record.add("clients", std::move(clients), internal::format_count(status.clients.size()));
  record.add("persistent_arrays", status.persistent_arrays, "");
  record.add("max_clients", status.max_clients, "");
  record.add("max_arrays", status.max_arrays, "");
  record.add("ephemeral", status.ephemeral, status.ephemeral ? "yes: ends with its last client" : "");
  record.add("adopted", status.adopted, status.adopted ? "yes: from segments that were left behind" : "");
  record.add("pool_dir", status.pool_dir, one_line(status.pool_dir));
  record.add("version", status.version, one_line(status.version));
  return record;
}

std::string_view state_name(const ArrayInfo& info) {
  if (!info.visible) return "filling";
  if (!info.torn.empty()) return "torn";
  if (info.snapshot) return "snapshot";
  return info.sealed ? "sealed" : "open";
}

std::string format_time(std::uint64_t unix_ns) {
  const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "-";
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

}  // namespace ndshare::cli
