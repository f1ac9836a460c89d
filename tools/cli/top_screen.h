/// The terminal as a grid of lines: the one place that names ncurses.
#pragma once

#include <memory>
#include <vector>

#include "tools/cli/top_frame.h"

namespace ndshare::cli {

/// Takes the terminal over while it lives, and gives it back as it was, whatever ends it (SIGINT and SIGTERM are taken
/// note of).
///   Threads: one; one at a time.
class TopScreen {
 public:
  /// Errors: NotSupported: no terminal, one that is not known, one that is too small (says how large it must be).
  TopScreen();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  [[nodiscard]] int width() const;
  [[nodiscard]] int height() const;
  /// Draws what differs from the frame before.
  void draw(const std::vector<TopLine>& lines);

  struct Pressed {
    TopKey key = TopKey::none;
    char character = 0;  ///< what was typed, for the filter
    bool resized = false;
  };
  /// Waits for a key for so long at most.
  [[nodiscard]] Pressed wait_key(double seconds);
  /// Whether SIGINT or SIGTERM came.
  [[nodiscard]] static bool is_interrupted();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ndshare::cli
