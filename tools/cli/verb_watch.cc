// ndshare watch: a line for each change of an array.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>

#include <poll.h>
#include <unistd.h>

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "tools/cli/claims.h"
#include "tools/cli/formula.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

constexpr std::chrono::milliseconds kSlice{200};  ///< how late an interrupt or a closed pipe is noticed

struct WatchFlags {
  std::string name;
  std::uint32_t count = 0;  ///< 0: for ever
};

volatile std::sig_atomic_t interrupted = 0;
void note_signal(int /*signal*/) { interrupted = 1; }

/// SIGINT ends the watch as a reader's closed pipe does: what was printed is whole.
class InterruptNote {
 public:
  InterruptNote() {
    struct sigaction action {};
    action.sa_handler = note_signal;
    ::sigaction(SIGINT, &action, &old_);
  }
  ~InterruptNote() { ::sigaction(SIGINT, &old_, nullptr); }
  InterruptNote(const InterruptNote&) = delete;
  InterruptNote& operator=(const InterruptNote&) = delete;

 private:
  struct sigaction old_ {};
};

bool reader_left() {
  pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/// Guesses who changed an array, from what clients count of themselves. Nobody writes that down: a client whose writes
/// or updates went up, or who held the array for writing at the last look, may have been it. Where just one may, it
/// was.
class Suspects {
 public:
  explicit Suspects(const Context& context, const std::string& name) : store_(context.store), name_(name) { look(); }

  /// Since the last call; nothing where several may have been it, or its client is gone already.
  std::optional<admin::ClientInfo> find() {
    const auto before = std::move(counts_);
    auto may = std::move(writers_);
    look();
    for (const auto& [key, client] : counts_) {
      const auto known = before.find(key);
      const auto made = [](const admin::ClientInfo& of) {
        return of.writes_made + of.updates_made + of.appended_bytes;
      };
      if (made(client) != (known == before.end() ? 0 : made(known->second))) may.insert(key);
    }
    if (may.size() != 1) return std::nullopt;
    const auto key = *may.begin();
    if (const auto now = counts_.find(key); now != counts_.end()) return now->second;
    const auto was = before.find(key);
    return was == before.end() ? std::nullopt : std::optional(was->second);
  }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  ///< slot, generation

  void look() {
    counts_.clear();
    writers_.clear();
    try {
      const admin::Inspector inspector(store_);
      std::map<std::uint64_t, Key> slots;
      for (const auto& client : inspector.clients()) {
        if (client.pid == static_cast<std::uint64_t>(::getpid())) continue;
        slots[client.slot] = {client.slot, client.gen};
        counts_[{client.slot, client.gen}] = client;
      }
      for (const auto& claim : inspector.claims(name_))
        if (!claim.waiting && (claim.mode == "write" || claim.mode == "update") && slots.contains(claim.slot))
          writers_.insert(slots[claim.slot]);
    } catch (const Error&) {
      // Another user's store, or an array that was removed just now: nobody is named.
    }
  }

  std::string store_, name_;
  std::map<Key, admin::ClientInfo> counts_;
  std::set<Key> writers_;
};

/// `changes` 0: another array took the name over.
void print_change(const SharedArray& array, std::uint64_t changes, std::uint64_t now,
                  const std::optional<admin::ClientInfo>& who, Context& context) {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  const auto unix_ns = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
  const auto info = array.info();
  if (context.json) {
    print_json(context.out, {{"unix_ns", unix_ns},
                             {"name", info.name},
                             {"revision", now},
                             {"changes", changes},
                             {"replaced", changes == 0},
                             {"version", info.version},
                             {"shape", std::vector<std::int64_t>(info.shape.begin(), info.shape.end())},
                             {"pid", who ? Json(who->pid) : Json(nullptr)},
                             {"command", who ? Json(who->command) : Json(nullptr)}});
  } else {
    context.out << format_time(unix_ns) << "  " << one_line(info.name) << "  revision " << now;
    if (changes == 0) context.out << " (another array of that name)";
    if (changes > 1) context.out << " (" << changes << " changes)";
    context.out << "  version " << info.version << "  " << info.shape.str();
    if (who) context.out << "  by " << who->pid << " " << one_line(who->command);
    context.out << '\n';
  }
  context.out.flush();
}

/// What became of an array whose name was taken over: the one that has it now.   Errors: NoSuchArray where nobody has.
std::optional<SharedArray> successor(const Store& store, const SharedArray& array, const Error& error) {
  if (error.code() != ErrorCode::NoSuchArray || !contains(store, array.name())) return std::nullopt;
  return store.open(array.name());
}

/// Waits in short steps, so that an interrupt and a closed pipe end it. Nothing where they did.
std::optional<std::uint64_t> next_revision(const SharedArray& array, std::uint64_t revision, Context& context) {
  while (interrupted == 0 && context.out.good() && !reader_left()) {
    try {
      return array.wait_for_change(revision, kSlice);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Timeout) throw;
    }
  }
  return std::nullopt;
}

int watch(const WatchFlags& flags, Context& context) {
  Store store = context.connect(Role::read_only);
  SharedArray array = open_named(store, flags.name);
  const InterruptNote note;
  Suspects suspects(context, array.name());
  auto revision = array.revision();
  for (std::uint32_t seen = 0; flags.count == 0 || seen < flags.count; ++seen) {
    try {
      const auto now = next_revision(array, revision, context);
      if (!now) return 0;
      print_change(array, *now - revision, *now, suspects.find(), context);
      revision = *now;
    } catch (const Error& error) {
      auto next = successor(store, array, error);
      if (!next) throw;
      array = std::move(*next);
      revision = array.revision();
      print_change(array, 0, revision, suspects.find(), context);
    }
  }
  return 0;
}

}  // namespace

Logic setup_watch(Flags& flags) {
  auto chosen = std::make_shared<WatchFlags>();
  flags.word(chosen->name, "NAME", "of the array");
  flags.number(chosen->count, "--count", "end after so many lines (else at Ctrl-C)");
  return [chosen](Context& context) { return watch(*chosen, context); };
}

}  // namespace ndshare::cli
