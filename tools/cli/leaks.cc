#include "tools/cli/leaks.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace ndshare::cli {
namespace {

const admin::ClientInfo* client_in(const TopLook& look, const admin::ClientInfo& wanted) {
  for (const auto& client : look.clients)
    if (client.slot == wanted.slot && client.gen == wanted.gen) return &client;
  return nullptr;
}

std::uint64_t made_bytes(const TopLook& look, std::uint64_t pid) {
  std::uint64_t bytes = 0;
  for (const auto& array : look.arrays)
    if (array.info.pid == pid && !array.info.snapshot) bytes += static_cast<std::uint64_t>(array.info.extent_bytes);
  return bytes;
}

/// Growth a minute of what `number` says of a look; 0 where it ever fell, or stands still.
double growth(const std::vector<TopLook>& looks, const std::function<std::uint64_t(const TopLook&)>& number) {
  std::uint64_t last = number(looks.front());
  const auto first = last;
  for (const auto& look : looks) {
    const auto now = number(look);
    if (now < last) return 0;
    last = now;
  }
  const double minutes = (looks.back().at_s - looks.front().at_s) / 60;
  return minutes > 0 ? static_cast<double>(last - first) / minutes : 0;
}

std::optional<GrowingClient> judge(const std::vector<TopLook>& looks, const admin::ClientInfo& client) {
  const bool stayed =
      std::ranges::all_of(looks, [&](const TopLook& look) { return client_in(look, client) != nullptr; });
  if (!stayed) return std::nullopt;
  GrowingClient out{client, made_bytes(looks.back(), client.pid), 0, 0, 0};
  out.bytes_per_minute = growth(looks, [&](const TopLook& look) { return client_in(look, client)->bytes; });
  out.made_bytes_per_minute = growth(looks, [&](const TopLook& look) { return made_bytes(look, client.pid); });
  out.views_per_minute = growth(looks, [&](const TopLook& look) { return client_in(look, client)->views; });
  if (out.bytes_per_minute + out.made_bytes_per_minute + out.views_per_minute == 0) return std::nullopt;
  return out;
}

using ByName = std::map<std::string_view, const admin::ArrayActivity*>;

std::vector<ByName> by_name(const std::vector<TopLook>& looks) {
  std::vector<ByName> out(looks.size());
  for (std::size_t i = 0; i < looks.size(); ++i)
    for (const auto& array : looks[i].arrays) out[i][array.info.name] = &array;
  return out;
}

bool is_idle(const std::vector<ByName>& looks, const admin::ArrayActivity& array) {
  return std::ranges::all_of(looks, [&](const ByName& look) {
    const auto found = look.find(array.info.name);
    if (found == look.end()) return false;
    const auto& then = *found->second;
    return then.claims == 0 && then.revision == array.revision && then.tickets == array.tickets &&
           then.info.version == array.info.version;
  });
}

}  // namespace

LeakReport find_leaks(const std::vector<TopLook>& looks, double age_s, std::uint64_t now_unix_ns) {
  LeakReport out;
  const auto& last = looks.back();
  out.interval_s = last.at_s - looks.front().at_s;
  std::set<std::uint64_t> attached;
  for (const auto& client : last.clients) {
    attached.insert(client.pid);
    if (auto found = judge(looks, client)) out.clients.push_back(std::move(*found));
  }
  const auto named = by_name(looks);
  for (const auto& array : last.arrays) {
    const auto made = array.info.created_unix_ns;
    const double age = now_unix_ns > made ? static_cast<double>(now_unix_ns - made) / 1e9 : 0;
    if (age >= age_s && is_idle(named, array))
      out.arrays.push_back({array.info, age, attached.contains(array.info.pid)});
  }
  std::ranges::stable_sort(out.clients, std::greater<>(),
                           [](const GrowingClient& row) { return row.bytes_per_minute + row.made_bytes_per_minute; });
  std::ranges::stable_sort(out.arrays, std::greater<>(), [](const IdleArray& row) { return row.info.nbytes; });
  return out;
}

Json to_json(const LeakReport& report) {
  Json clients = Json::array(), arrays = Json::array();
  for (const auto& row : report.clients)
    clients.push_back({{"id", row.info.slot},
                       {"pid", row.info.pid},
                       {"command", row.info.command},
                       {"bytes", row.info.bytes},
                       {"bytes_per_minute", row.bytes_per_minute},
                       {"made_bytes", row.made_bytes},
                       {"made_bytes_per_minute", row.made_bytes_per_minute},
                       {"views", row.info.views},
                       {"views_per_minute", row.views_per_minute},
                       {"outdated", row.info.outdated}});
  for (const auto& row : report.arrays)
    arrays.push_back({{"name", row.info.name},
                      {"nbytes", row.info.nbytes},
                      {"age_s", row.age_s},
                      {"pid", row.info.pid},
                      {"maker_attached", row.maker_attached}});
  return {{"interval_s", report.interval_s}, {"clients", clients}, {"arrays", arrays}};
}

}  // namespace ndshare::cli
