// The threads of a broker that read requests and write answers (num.network.threads), as far as
// they make others wait: a thread that writes an answer with bytes that are in no memory sleeps in
// sendfile() until the disk has them, and all connections that it serves wait with it. So there are
// no more such reads at a time than threads. Their processor time is the cores' (broker.h).
#ifndef FRESHET_MODELS_BROKER_NETWORK_THREADS_H_
#define FRESHET_MODELS_BROKER_NETWORK_THREADS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/callback.h"
#include "sim/ring.h"

namespace freshet {

class NetworkThreads {
 public:
  // A connection that no thread serves yet.
  static constexpr uint32_t kNone = UINT32_MAX;

  // REQUIRES: count > 0.
  explicit NetworkThreads(int64_t count);

  // A connection that is there for good is dealt to a thread when it is first used, round robin.
  void Deal(uint32_t* thread) {
    if (*thread == kNone) DealNext(thread);
  }
  bool IsBusy(uint32_t thread) const { return asleep_ > 0 && threads_[thread].asleep; }
  // Calls `then` once the thread is awake and those that came before have been called. REQUIRES:
  // it is busy.
  void Await(uint32_t thread, Callback then);
  // REQUIRES: it is not busy.
  void Sleep(uint32_t thread);
  // Calls those that wait, until one has it sleep again. REQUIRES: it is busy.
  void Wake(uint32_t thread);
  // The process has died: whoever waits is called, to find that out.
  void Abandon();

  int64_t asleep() const { return asleep_; }

 private:
  struct Thread {
    bool asleep = false;
    Ring<Callback> waiting;
  };

  void DealNext(uint32_t* thread);

  std::vector<Thread> threads_;
  uint32_t next_ = 0;
  int64_t asleep_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_NETWORK_THREADS_H_
