#include "tools/cli/top_data.h"

#include <chrono>
#include <map>
#include <utility>

#include <ndshare/error.h>

#include "tools/cli/claims.h"
#include "tools/cli/stream_actions.h"

namespace ndshare::cli {
namespace {

constexpr std::chrono::seconds kPatience{1};  ///< with a daemon: the segments say nearly all that it would

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The daemon's own words, which have more than its segments: pending memory, the machine. Else a note.
void ask_daemon(const std::string& store, TopLook& out) {
  if (out.status.pid == 0) {
    out.note = "no daemon runs";
    return;
  }
  try {
    out.status = admin::status(store, kPatience);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Timeout && error.code() != ErrorCode::Disconnected) throw;
    out.note = "the daemon does not answer";
  }
}

/// A counter's growth in a second. One that fell was started anew.
double rate(std::uint64_t before, std::uint64_t now, double seconds) {
  return seconds > 0 && now > before ? static_cast<double>(now - before) / seconds : 0;
}

TopRates rates_of(const admin::ClientInfo& before, const admin::ClientInfo& now, double seconds) {
  return {rate(before.reads_made, now.reads_made, seconds),   rate(before.views_made, now.views_made, seconds),
          rate(before.writes_made, now.writes_made, seconds), rate(before.updates_made, now.updates_made, seconds),
          rate(before.waits_made, now.waits_made, seconds),   rate(before.copied_bytes(), now.copied_bytes(), seconds)};
}

void add(TopRates& total, const TopRates& one) {
  total.reads += one.reads, total.views += one.views, total.writes += one.writes;
  total.updates += one.updates, total.waits += one.waits, total.copied_bytes += one.copied_bytes;
}

void compare_clients(const TopLook& before, const TopLook& now, double seconds, TopData& out) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, const admin::ClientInfo*> known;  // by slot and generation
  for (const auto& client : before.clients) known[{client.slot, client.gen}] = &client;
  std::map<std::uint64_t, std::uint64_t> waiting;
  for (const auto& claim : now.claims) waiting[claim.slot] += claim.waiting ? 1 : 0;
  for (const auto& client : now.clients) {
    const auto found = known.find({client.slot, client.gen});
    const auto rates = rates_of(found == known.end() ? admin::ClientInfo{} : *found->second, client, seconds);
    add(out.rates, rates);
    out.clients.push_back({client, rates, waiting[client.slot]});
    if (client.outdated != 0) out.pinned_by.push_back(client.pid);
  }
}

void compare_arrays(const TopLook& before, const TopLook& now, double seconds, TopData& out) {
  std::map<std::string, const admin::ArrayActivity*> known;
  for (const auto& array : before.arrays) known[array.info.name] = &array;
  for (const auto& array : now.arrays) {
    const auto found = known.find(array.info.name);
    const bool same = found != known.end() && found->second->info.created_unix_ns == array.info.created_unix_ns;
    TopArray row{array, 0, 0};
    if (same) {  // a new one's words may be those of the array that had its record before
      row.changes_per_s = rate(found->second->revision, array.revision, seconds);
      row.tickets_per_s = rate(found->second->tickets, array.tickets, seconds);
    }
    out.arrays.push_back(std::move(row));
  }
}

void compare_streams(const TopLook& before, const TopLook& now, double seconds, TopData& out) {
  std::map<std::string, const StreamInfo*> known;
  for (const auto& stream : before.streams) known[stream.name] = &stream;
  for (const auto& stream : now.streams) {
    const auto found = known.find(stream.name);
    const bool same = found != known.end() && found->second->created_unix_ns == stream.created_unix_ns;
    out.streams.push_back({stream, rate(same ? found->second->published : 0, stream.published, seconds)});
  }
}

Json rates_json(const TopRates& rates) {
  return {{"reads_per_s", rates.reads},     {"views_per_s", rates.views}, {"writes_per_s", rates.writes},
          {"updates_per_s", rates.updates}, {"waits_per_s", rates.waits}, {"copied_bytes_per_s", rates.copied_bytes}};
}

Json client_json(const TopClient& client) {
  const auto& info = client.info;
  Json out = {{"id", info.slot},         {"pid", info.pid},           {"command", info.command},
              {"uid", info.uid},         {"bytes", info.bytes},       {"claims", info.claims},
              {"views", info.views},     {"waiting", client.waiting}, {"outdated", info.outdated},
              {"stopped", info.stopped}, {"dead", info.dead},         {"copied_bytes", info.copied_bytes()},
              {"waits", info.waits_made}};
  out.update(rates_json(client.rates));
  return out;
}

Json array_json(const TopArray& array) {
  const auto& [info, revision, tickets, claims, waiting] = array.activity;
  return {{"name", info.name},
          {"dtype", info.dtype.to_string()},
          {"shape", std::vector<std::int64_t>(info.shape.begin(), info.shape.end())},
          {"nbytes", info.nbytes},
          {"state", state_name(info)},
          {"version", info.version},
          {"revision", revision},
          {"claims", claims},
          {"waiting", waiting},
          {"changes_per_s", array.changes_per_s},
          {"heat", array.heat()}};
}

}  // namespace

TopLook look(const std::string& store) {
  TopLook out;
  const admin::Inspector inspector(store);
  out.status = inspector.status();
  ask_daemon(store, out);
  out.clients = inspector.clients();
  out.arrays = inspector.activity();
  out.claims = inspector.claims();
  out.streams = inspector.streams();
  out.at_s = now_s();
  return out;
}

TopData compare(const TopLook& before, const TopLook& now) {
  TopData out;
  out.status = now.status;
  out.note = now.note;
  out.claims = now.claims;
  const double seconds = now.at_s - before.at_s;
  compare_clients(before, now, seconds, out);
  compare_arrays(before, now, seconds, out);
  compare_streams(before, now, seconds, out);
  return out;
}

Json to_json(const TopData& data) {
  const auto& pool = data.status.pool;
  Json out = {
      {"store", data.status.store}, {"pid", data.status.pid}, {"uptime_s", data.status.uptime_s}, {"note", data.note}};
  out["memory"] = {{"capacity_bytes", pool.capacity_bytes}, {"used_bytes", pool.used_bytes},
                   {"live_bytes", pool.live_bytes},         {"warm_bytes", pool.warm_bytes},
                   {"free_bytes", pool.free_bytes},         {"largest_free_bytes", pool.largest_free_bytes},
                   {"pending_bytes", pool.pending_bytes},   {"pinned_by", data.pinned_by}};
  out["rates"] = rates_json(data.rates);
  for (const char* list : {"arrays", "clients", "claims", "streams"}) out[list] = Json::array();
  for (const auto& array : data.arrays) out["arrays"].push_back(array_json(array));
  for (const auto& client : data.clients) out["clients"].push_back(client_json(client));
  for (const auto& claim : data.claims) out["claims"].push_back(to_json(claim));
  for (const auto& stream : data.streams) {
    out["streams"].push_back(stream_json(stream.info));
    out["streams"].back()["published_per_s"] = stream.published_per_s;
  }
  return out;
}

}  // namespace ndshare::cli
