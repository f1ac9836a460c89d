// The library's side of tools/bench/compare_tables: reads "name repeats" lines and answers with the best time of a
// call.
#include <ndshare/io.h>
#include <ndshare/table.h>
#include <ndshare/threads.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>

namespace nd = ndshare;

namespace {

using Calls = std::map<std::string, std::function<nd::Array()>>;

Calls make_calls(const std::string& dir) {
  const nd::Array flights = nd::load(dir + "/flights.npy"), airports = nd::load(dir + "/airports.npy"),
                  ids = nd::load(dir + "/ids.npy");
  using nd::Aggregate;
  Calls calls;
  calls["group_origin"] = [=] {
    return nd::group_by(flights, {"origin"}, {{Aggregate::count}, {Aggregate::mean, "delay"}});
  };
  calls["group_pair"] = [=] {
    return nd::group_by(flights, {"origin", "destination"},
                        {{Aggregate::count}, {Aggregate::mean, "delay"}, {Aggregate::max, "distance"}});
  };
  calls["group_id"] = [=] { return nd::group_by(ids, {"id"}, {{Aggregate::sum, "value"}}); };
  calls["join_airports"] = [=] { return nd::join_by(flights, airports, {"origin"}); };
  calls["join_left"] = [=] { return nd::join_by(flights, airports, {"origin"}, {.how = nd::JoinHow::left}); };
  return calls;
}

double best_of(const std::function<nd::Array()>& call, int repeats) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const auto start = Clock::now();
    const nd::Array kept = call();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: compare_tables_engine DIR THREADS (see tools/bench/compare_tables)\n");
    return 2;
  }
  nd::set_threads(std::atoi(argv[2]));
  const Calls calls = make_calls(argv[1]);
  std::cout << "ready" << std::endl;
  std::string name;
  for (int repeats = 0; std::cin >> name >> repeats;) {
    const auto found = calls.find(name);
    if (found == calls.end()) {
      std::cout << "unknown" << std::endl;
    } else if (repeats == 0) {  // the answer itself, to be compared
      nd::save(std::string(argv[1]) + "/" + name + ".npy", found->second());
      std::cout << "saved" << std::endl;
    } else {
      std::cout << best_of(found->second, repeats) << std::endl;
    }
  }
  return 0;
}
