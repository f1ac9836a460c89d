/// What tests share: unique names, a scratch folder that is removed, child processes under a watchdog, NumPy as an oracle.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <ndshare/error.h>

namespace ndshare::test {

/// A store name that no other test, process or run uses.
std::string unique_store_name(std::string_view hint = "t");

/// A folder under TMPDIR that is removed with everything in it.
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// How a finished child ended and what it wrote.
struct Finished {
  int status = -1;        ///< exit status, or 128 + signal
  std::string out, err;
  bool timed_out = false; ///< the watchdog killed it
};

struct RunOptions {
  std::string input;                                   ///< written to its standard input
  std::vector<std::pair<std::string, std::string>> env;///< added to the environment
  std::chrono::seconds watchdog{60};                   ///< then SIGKILL
};

/// Runs a program (found through PATH where it has no slash) to its end.
Finished run(const std::vector<std::string>& command, const RunOptions& options = {});

/// Runs a Python program with Debian's NumPy. A missing NumPy is a failed run, never a skip.
Finished run_numpy(const std::string& program, const std::vector<std::string>& arguments = {});

/// Forks; the child runs `body` and leaves with its result through _exit; an exception leaves with 99 and its message on stderr.
pid_t fork_child(const std::function<int()>& body);

/// Waits for a child: exit status, 128 + signal, or nothing where the watchdog had to kill it.
std::optional<int> wait_child(pid_t pid, std::chrono::seconds watchdog = std::chrono::seconds(60));

/// A program of this build by name ("ndshare", "ndshared").
std::string program(std::string_view name);

/// The code of the Error that `body` throws, or Ok where it throws none.
ErrorCode code_of(const std::function<void()>& body);

/// The message of the Error that `body` throws, empty where it throws none.
std::string message_of(const std::function<void()>& body);

/// `body` throws an Error of this code whose message holds every word.
void expect_error(ErrorCode code, std::initializer_list<const char*> words, const std::function<void()>& body);

}  // namespace ndshare::test
