#include "daemon/options.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <optional>

#include <getopt.h>
#include <grp.h>

#include <ndshare/error.h>

#include "daemon/metrics_server.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

/// One row an option: its letter for getopt, its name, its argument's name (null: none) and a line of help.
struct OptionRow {
  int id;
  const char* name;
  const char* argument;
  const char* help;
};

constexpr std::array kOptions = {
    OptionRow{'s', "store", "NAME", "name of the store (default: NDSHARE_STORE, else 'default')"},
    OptionRow{'c', "capacity", "SIZE", "bytes for arrays, as 8G (default: as adopted, else half of what is free)"},
    OptionRow{'n', "max-clients", "N", "client slots, 1 to 4095; fixed when the store is made (default 512)"},
    OptionRow{'a', "max-arrays", "N", "array records; fixed when the store is made (default 4194304)"},
    OptionRow{'p', "pool-dir", "DIR", "tmpfs or hugetlbfs folder of the pool (default /dev/shm)"},
    OptionRow{'w', "warm-limit", "SIZE", "free memory kept resident for reuse (default: a quarter of the capacity)"},
    OptionRow{'e', "ephemeral", nullptr, "the store and its memory end with its last client"},
    OptionRow{'g', "allow-gid", "GROUP", "members may read and write (repeatable)"},
    OptionRow{'r', "read-only-gid", "GROUP", "members may read (repeatable)"},
    OptionRow{'f', "log-file", "FILE", "log to this file, rotated, instead of standard error"},
    OptionRow{'l', "log-level", "LEVEL", "trace, debug, info, warn, error or off (default info)"},
    OptionRow{'R', "ready-fd", "N", "write one line to this descriptor when serving or refused, then run in the background"},
    OptionRow{'i', "idle-exit", "S", "seconds an ephemeral store waits for its first client (default 10)"},
    OptionRow{'m', "metrics", "ADDRESS:PORT", "serve Prometheus metrics over HTTP, as 127.0.0.1:9464; port 0: any free one (see the log)"},
    OptionRow{'V', "version", nullptr, "print the version"},
    OptionRow{'M', "man", nullptr, "print the manual page"},
    OptionRow{'h', "help", nullptr, "print this text"},
};

std::string long_name(int id) {
  for (const auto& row : kOptions) {
    if (row.id == id) return std::string("--") + row.name;
  }
  return {};
}

[[noreturn]] void refuse(int id, const std::string& wanted, const std::string& got) {
  throw Error(ErrorCode::Usage, long_name(id) + " takes " + wanted + ", not '" + printable(got) + "'");
}

std::uint64_t size_of(int id, const std::string& text) {
  const auto bytes = parse_bytes(text);
  if (!bytes || *bytes == 0) refuse(id, "a size above 0 such as 512M or 8G", text);
  return *bytes;
}

std::uint32_t count_of(int id, const std::string& text, std::int64_t low, std::int64_t high) {
  const auto value = parse_int(text);
  if (!value || *value < low || *value > high) {
    refuse(id, "a number from " + std::to_string(low) + " to " + std::to_string(high), text);
  }
  return static_cast<std::uint32_t>(*value);
}

std::uint32_t group_of(int id, const std::string& text) {
  constexpr std::int64_t kLast = std::numeric_limits<std::uint32_t>::max() - 1;
  if (const auto value = parse_int(text); value && *value >= 0 && *value <= kLast) return static_cast<std::uint32_t>(*value);
  if (const group* found = ::getgrnam(text.c_str())) return found->gr_gid;  // NOLINT(concurrency-mt-unsafe): one thread yet
  refuse(id, "a group's number or name", text);
}

void apply(DaemonOptions& out, int id, const std::string& value) {
  constexpr std::int64_t kMaxArrays = 1LL << 28;
  switch (id) {
    case 's': out.engine.store = value; break;
    case 'c': out.engine.capacity_bytes = size_of(id, value); break;
    case 'n': out.engine.max_clients = count_of(id, value, 1, kMaxClientsLimit); break;
    case 'a': out.engine.max_arrays = count_of(id, value, 1, kMaxArrays); break;
    case 'p': out.engine.pool_dir = value; break;
    case 'w': out.engine.warm_limit_bytes = size_of(id, value); break;
    case 'e': out.engine.ephemeral = true; break;
    case 'g': out.write_gids.push_back(group_of(id, value)); break;
    case 'r': out.read_only_gids.push_back(group_of(id, value)); break;
    case 'f': out.log.file = value; break;
    case 'l': out.log.level = parse_log_level(value); break;
    case 'R': out.ready_fd = static_cast<int>(count_of(id, value, 0, std::numeric_limits<int>::max())); break;
    case 'i': out.idle_exit = std::chrono::seconds(count_of(id, value, 0, 86400)); break;
    case 'm': out.metrics = parse_endpoint(value); break;
    case 'V': out.version = true; break;
    case 'M': out.man = true; break;
    case 'h': out.help = true; break;
    default: break;
  }
}

std::vector<option> getopt_table() {
  std::vector<option> table;
  for (const auto& row : kOptions) {
    table.push_back({row.name, row.argument != nullptr ? required_argument : no_argument, nullptr, row.id});
  }
  table.push_back({nullptr, 0, nullptr, 0});
  return table;
}

}  // namespace

DaemonOptions parse_options(int argc, char** argv) {
  DaemonOptions out;
  const char* named = std::getenv("NDSHARE_STORE");  // NOLINT(concurrency-mt-unsafe)
  out.engine.store = named != nullptr && *named != '\0' ? named : "default";
  const auto table = getopt_table();
  ::optind = 1;
  ::opterr = 0;
  while (true) {
    const int at = ::optind;
    const int id = ::getopt_long(argc, argv, ":", table.data(), nullptr);
    if (id == -1) break;
    if (id == '?') throw Error(ErrorCode::Usage, "unknown option '" + printable(argv[at]) + "'; see --help");
    if (id == ':') throw Error(ErrorCode::Usage, "'" + printable(argv[at]) + "' needs a value; see --help");
    apply(out, id, ::optarg != nullptr ? ::optarg : "");
  }
  if (::optind < argc) throw Error(ErrorCode::Usage, "unexpected word '" + printable(argv[::optind]) + "'; see --help");
  check_store_name(out.engine.store);
  out.engine.shared_between_uids = !out.write_gids.empty() || !out.read_only_gids.empty();
  return out;
}

std::vector<OptionText> option_texts() {
  std::vector<OptionText> out;
  for (const auto& row : kOptions) out.push_back({row.name, row.argument, row.help});
  return out;
}

std::string help_text() {
  std::string out =
      "usage: ndshared [OPTION]...\n"
      "Serves one store of shared arrays until it is stopped. SIGTERM keeps the memory for the next start.\n\n";
  constexpr std::size_t kColumn = 26;
  for (const auto& row : kOptions) {
    std::string left = std::string("  --") + row.name + (row.argument != nullptr ? std::string(" ") + row.argument : "");
    left.resize(std::max(kColumn, left.size() + 1), ' ');
    out += left + row.help + "\n";
  }
  return out;
}

}  // namespace ndshare::internal
