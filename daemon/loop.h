/// The event loop: descriptors, timers, signals and helper threads. The one place that names Asio.
///
/// Everything runs on the thread that is in run(), except `work` of help(). A handler is called once for each request of it and
/// never after its Watch is gone.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>

namespace ndshare::internal {

class Loop {
 public:
  using Handler = std::function<void()>;

  /// `signals` are blocked from now on, in threads made later too, until the end: the loop is told of them.
  ///   REQUIRES: no other thread runs yet.   Errors: Io.
  explicit Loop(std::initializer_list<int> signals);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();
  void stop();                                            ///< run() returns after the handler that calls this
  void post(Handler handler);                             ///< Threads: any.
  void after(std::chrono::milliseconds delay, Handler handler);
  void on_signal(const std::function<void(int)>& handler);  ///< of the constructor's signals, each time

  /// Runs `work` on a helper thread, then `done` on the loop. `work` must not throw.
  void help(Handler work, Handler done);
  /// Waits for the helpers; what they had `done` is not called any more. For the end, after run().
  void join_helpers();

  /// Waits of one descriptor, which it does not own and must not outlive.
  class Watch {
   public:
    Watch();                                              ///< watches nothing
    Watch(Loop& loop, int fd);
    ~Watch();
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;                   ///< what this one watched is let go
    void readable(Handler handler);                       ///< once
    void writable(Handler handler);                       ///< once

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::unique_ptr<Watch> signals_;
};

}  // namespace ndshare::internal
