// ndshare doctor: the machine and the store, what is wrong with them, and what to do. Works without a daemon, and
// without a store.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/color.h"
#include "tools/cli/describe.h"
#include "tools/cli/doctor.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct DoctorFlags {
  bool fix = false;
  std::string held = "60";
};

bool is_named(const Context& context) {
  const char* set = std::getenv("NDSHARE_STORE");
  return !context.store.empty() || (set != nullptr && *set != '\0');
}

std::string store_name(const Context& context) {
  const char* set = std::getenv("NDSHARE_STORE");
  if (!context.store.empty()) return context.store;
  return set != nullptr && *set != '\0' ? set : "default";
}

bool has_files(const std::string& name) {
  const auto all = admin::stores();
  return std::any_of(all.begin(), all.end(), [&](const admin::StoreFiles& store) { return store.store == name; });
}

/// Where the daemon does not answer, the segments still do.
void read_segments(StoreFacts& facts) {
  try {
    const admin::Inspector inspector(facts.name);
    if (!facts.silent.empty() || facts.status.store.empty()) facts.status = inspector.status();
    facts.clients = inspector.clients();
    facts.claims = inspector.claims();
    facts.arrays = inspector.list();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::NoSuchStore && !facts.exists) throw;
    facts.broken = error.message();
    facts.other_layout = error.code() == ErrorCode::LayoutVersion;
  }
}

StoreFacts read_store(const Context& context) {
  StoreFacts facts;
  facts.name = store_name(context);
  try {
    facts.status = admin::status(facts.name, context.timeout());
    facts.exists = true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Timeout || error.code() == ErrorCode::Disconnected) {
      facts.exists = true;
      facts.silent = error.message();
    } else if (error.code() == ErrorCode::NoSuchStore && error.detail("left_behind").empty()) {
      if (is_named(context) && !has_files(facts.name)) throw;
      return facts;
    } else if (error.code() == ErrorCode::Name || error.code() == ErrorCode::Permission) {
      throw;
    } else {
      facts.exists = true;  // damaged, squatted or of another layout: the segments say which
      facts.broken = error.message();
    }
  }
  read_segments(facts);
  return facts;
}

/// Whether a process is in this one's control groups.
bool shares_groups(std::uint64_t pid) {
  const auto groups = [](const std::string& who) {
    std::ifstream file("/proc/" + who + "/cgroup");
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  return groups("self") == groups(std::to_string(pid));
}

std::vector<Finding> examine(double held_s, const Context& context) {
  const auto store = read_store(context);
  auto machine = read_machine(store.status.pool_dir);
  if (store.status.pid != 0 && store.silent.empty()) {  // the daemon's group is what counts, where it said so
    machine.memory.available_bytes = store.status.pool.memory_available_bytes;
    machine.memory.cgroup_free_bytes = store.status.pool.cgroup_free_bytes;
    machine.memory.tmpfs_free_bytes = store.status.pool.tmpfs_free_bytes;
    if (!shares_groups(store.status.pid)) machine.memory.cgroup.clear();  // it is this process's
  }
  auto out = judge_machine(machine, store);
  // A store that was named is looked at alone; else all of this user's.
  out.push_back(judge_leftovers(admin::stores(), is_named(context) ? store.name : ""));
  if (store.exists) {
    for (auto& finding : judge_store(store, held_s)) out.push_back(std::move(finding));
  } else {
    out.push_back({"daemon", Health::note, "there is no store '" + store.name + "': the machine was looked at alone",
                   "ndshare start"});
  }
  return out;
}

/// Removes what nobody can use any more; says what.
std::vector<std::string> fix(const Context& context) {
  std::vector<std::string> removed;
  const auto name = is_named(context) ? store_name(context) : "";
  for (const auto& store : admin::stores()) {
    if (!name.empty() && store.store != name) continue;
    if (store.state == admin::StoreState::serving || store.state == admin::StoreState::unusable) continue;
    for (auto& file : admin::remove_leftovers(store.store)) removed.push_back(std::move(file));
  }
  return removed;
}

bool is_wrong(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.health == Health::wrong; });
}

void print(const std::vector<Finding>& findings, const std::vector<std::string>& fixed, Context& context) {
  if (context.json) {
    Json checks = Json::array();
    for (const auto& finding : findings)
      checks.push_back({{"check", finding.check},
                        {"status", health_name(finding.health)},
                        {"text", finding.text},
                        {"advice", finding.advice}});
    return print_json(
        context.out,
        {{"store", store_name(context)}, {"healthy", !is_wrong(findings)}, {"checks", checks}, {"removed", fixed}});
  }
  for (const auto& file : fixed) context.out << "removed " << one_line(file) << '\n';
  for (const auto& finding : findings) {
    const auto name = std::string(health_name(finding.health));
    const Color color = finding.health == Health::ok      ? Color::green
                        : finding.health == Health::wrong ? Color::red
                        : finding.health == Health::note  ? Color::yellow
                                                          : Color::faint;
    context.out << paint(context, color, name) << std::string(9 - name.size(), ' ') << finding.check
                << std::string(15 - finding.check.size(), ' ') << finding.text << '\n';
    if (finding.health != Health::ok && !finding.advice.empty())
      context.out << std::string(24, ' ') << "→ " << finding.advice << '\n';
  }
}

int doctor(const DoctorFlags& flags, Context& context) {
  const double held_s = parse_seconds(flags.held, "--held");
  std::vector<std::string> fixed;
  if (flags.fix) fixed = fix(context);
  std::vector<Finding> findings;
  try {
    findings = examine(held_s, context);
  } catch (const Error& error) {
    // What was asked for is gone because it was removed just now.
    if (fixed.empty() || error.code() != ErrorCode::NoSuchStore) throw;
    findings = judge_machine(read_machine({}), {});
    findings.push_back(judge_leftovers(admin::stores(), store_name(context)));
  }
  print(findings, fixed, context);
  return is_wrong(findings) ? 1 : 0;
}

}  // namespace

Logic setup_doctor(Flags& flags) {
  auto chosen = std::make_shared<DoctorFlags>();
  flags.flag(chosen->fix, "--fix", "remove what nobody can use any more, and say what");
  flags.text(chosen->held, "--held", "seconds from which a lock counts as held for long (60)");
  return [chosen](Context& context) { return doctor(*chosen, context); };
}

}  // namespace ndshare::cli
