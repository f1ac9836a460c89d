/// One client of the torture: random operations, each checked against the board.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <ndshare/create.h>
#include <ndshare/store.h>

#include "tests/crash/torture_board.h"

namespace ndshare::test {

class TortureClient {
 public:
  /// Connects; where no daemon runs, tries again until one does.
  TortureClient(const std::string& store, Board& board, std::int64_t id);
  /// Until the board says stop. Throws std::runtime_error where something is not as it must be. `elder`: notes what it holds.
  void run(bool elder);
  /// Makes the arrays that everybody works on.
  static void prepare(Store& store, Board& board);

 private:
  using Milliseconds = std::chrono::milliseconds;
  /// A view that is kept for a while, and what it looked like.
  struct Kept {
    Array view;
    std::uint64_t hash;
  };

  void step();
  void guarded(const std::function<void()>& operation);
  void read();
  void take_view();
  void drop_view();
  void write(bool overwrite);
  void update();
  void append();
  void snapshot();
  void look_at_snapshot();
  void mend();
  void look_at_numbers();

  std::int64_t pick(std::int64_t below) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(below)); }
  Rows pick_rows();
  std::vector<std::int64_t> finished(int array) const;
  void check_rows(ConstRow words, const Rows& rows, const std::vector<std::int64_t>& at_least, const char* what) const;
  void fill(Row words, const Rows& rows, std::int64_t sequence) const;
  void finish(int array, const Rows& rows, std::int64_t sequence) const;

  Board& board_;
  std::int64_t id_;
  std::mt19937_64 random_;
  Store store_;
  std::vector<SharedArray> arrays_;
  SharedArray log_;
  std::vector<Kept> kept_;
  int array_ = 0;  ///< of the operation under way
};

/// Open descriptors and maps of this process.
std::uint64_t open_descriptors();
std::uint64_t map_count();

}  // namespace ndshare::test
