/// Who a process is, and whether it still lives: pid and start time together name a process for one boot.
///
/// A pid alone is used again. The verdict "dead" is: the pidfd polls readable (the process has exited, reaped or not),
/// or there is no such process, or the process of that pid started at another time. The state letter of /proc/PID/stat
/// is never asked: a 'Z' main thread can have living threads.
///   Threads: safe.   Errors: none.   Source: pidfd_open(2), proc(5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace ndshare::internal {

/// Start time of the process in clock ticks since boot (field 22 of /proc/PID/stat); nothing where there is no such
/// process.
std::optional<std::uint64_t> process_start(std::uint64_t pid);

/// Inode of the process's pid namespace; 0 where it cannot be read. Pids of different namespaces do not compare.
std::uint64_t pid_namespace(std::uint64_t pid);
std::uint64_t own_pid_namespace();

/// Whether the process that had this pid and start time still lives. `start` 0: unknown, not compared.
bool process_alive(std::uint64_t pid, std::uint64_t start);

/// The process's command line for people: at most 47 printable bytes, arguments separated by spaces; empty where
/// unreadable.
std::string process_command(std::uint64_t pid);

/// Identity of this boot of the machine, from /proc/sys/kernel/random/boot_id; zeros where unreadable.
std::array<std::uint64_t, 2> boot_id();

/// A pidfd of the process for an event loop: readable once it has exited. -1 (errno set) where there is none.
int open_pidfd(std::uint64_t pid);

}  // namespace ndshare::internal
