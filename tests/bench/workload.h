// The programs that engines race on, once for all of them.
//
// An Engine has After(nanoseconds, closure), Run() and Stop(). Draws are cheap and the same for
// all, so that what differs is the engine.
#ifndef FRESHET_TESTS_BENCH_WORKLOAD_H_
#define FRESHET_TESTS_BENCH_WORKLOAD_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <random>
#include <vector>

namespace freshet::bench {

inline constexpr int64_t kMeanIncrement = 1'000'000'000;  // Nanoseconds.

// Exponential increments from a table of 1024 quantiles, each spread a little so that no two times
// need be equal, and uniform indices, both from one xorshift generator.
class Draws {
 public:
  explicit Draws(uint64_t seed = 92) : state_(seed * 0x9e3779b97f4a7c15ULL | 1) {
    for (size_t i = 0; i < increments_.size(); ++i) {
      const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(increments_.size());
      increments_[i] = static_cast<int64_t>(-std::log(u) * static_cast<double>(kMeanIncrement));
    }
  }
  int64_t Increment() {
    const uint64_t word = Next();
    return increments_[word >> 54] + static_cast<int64_t>(word & 0xfffff);
  }
  uint32_t Below(uint32_t bound) {
    return static_cast<uint32_t>(((Next() >> 32) * uint64_t{bound}) >> 32);
  }

 private:
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dULL;
  }
  uint64_t state_;
  std::array<int64_t, 1024> increments_;
};

// Counts steps, and takes the processor's time for those after the warm-up. Ends the run at the
// last.
class Lap {
 public:
  // REQUIRES: both positive.
  Lap(int64_t warm_up, int64_t measured) : left_(warm_up), measured_(measured) {}
  // Whether that was the last step.
  bool Step() { return --left_ == 0 && Boundary(); }
  double NanosPerStep() const { return nanos_ / static_cast<double>(measured_); }

 private:
  bool Boundary() {
    if (running_) {
      nanos_ = 1e9 * static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC;
      return true;
    }
    running_ = true;
    left_ = measured_;
    start_ = std::clock();
    return false;
  }
  int64_t left_;
  int64_t measured_;
  bool running_ = false;
  double nanos_ = 0;
  std::clock_t start_ = 0;
};

// PHOLD (Fujimoto 1990): as many messages as logical processes. A process adds what arrives to its
// state and sends on to another, uniform one, to arrive after an exponential time. A message says
// from whom and with what, as messages do; with its receiver that makes 24 bytes of closure.
template <class Engine>
class Phold {
 public:
  Phold(Engine& engine, uint32_t processes, Lap lap = Lap(1, INT64_MAX))
      : engine_(engine), lap_(lap), states_(processes) {
    for (uint32_t i = 0; i < processes; ++i) Send(i, i, 1);
  }
  const Lap& lap() const { return lap_; }

 private:
  void Send(uint32_t from, uint32_t to, uint64_t payload) {
    engine_.After(draws_.Increment(), [this, from, to, payload] { Receive(from, to, payload); });
  }
  void Receive(uint32_t from, uint32_t at, uint64_t payload) {
    states_[at] += payload ^ from;
    Send(at, draws_.Below(static_cast<uint32_t>(states_.size())), payload + 1);
    if (lap_.Step()) engine_.Stop();
  }

  Engine& engine_;
  Lap lap_;
  Draws draws_;
  std::vector<uint64_t> states_;
};

// The hold model (Jones 1986): an event schedules the next and does nothing else.
template <class Engine>
class Hold {
 public:
  Hold(Engine& engine, uint32_t pending) : engine_(engine) {
    for (uint32_t i = 0; i < pending; ++i) Again();
  }

 private:
  void Again() {
    engine_.After(draws_.Increment(), [this] { Again(); });
  }
  Engine& engine_;
  Draws draws_;
};

// Request timeouts: each step takes one back and sets it anew, 30 mean increments ahead. They
// nearly never fire. The engine's timers are set by SetTimer(nanoseconds, closure), which returns
// what Cancel() takes.
template <class Engine>
class Timeouts {
 public:
  Timeouts(Engine& engine, uint32_t timers) : engine_(engine), timers_(timers) {
    for (auto& timer : timers_) timer = Set();
    Step();
  }
  uint64_t fired() const { return fired_; }

 private:
  auto Set() {
    return engine_.SetTimer(30 * kMeanIncrement, [this] { ++fired_; });
  }
  void Step() {
    auto& timer = timers_[draws_.Below(static_cast<uint32_t>(timers_.size()))];
    engine_.Cancel(timer);
    timer = Set();
    engine_.After(draws_.Increment() / static_cast<int64_t>(timers_.size()), [this] { Step(); });
  }

  Engine& engine_;
  Draws draws_;
  uint64_t fired_ = 0;
  std::vector<typename Engine::TimerId> timers_;
};

// Ten M/M/c stations in a row as one writes them by hand on a bare engine. `Exponential` returns
// nanoseconds from a mean.
inline constexpr int kTandemStations = 10;
inline constexpr int kTandemWorkers = 4;
inline constexpr int64_t kTandemGap = 1'000'000;      // Mean between customers: 1000/s.
inline constexpr int64_t kTandemService = 3'000'000;  // Workers are busy for 3/4 of the time.

// The mean time a customer is in the ten stations, in nanoseconds: Erlang's C for four workers.
inline double TandemSojourn() {
  constexpr double kLoad = static_cast<double>(kTandemService) / kTandemGap;  // 3 of 4 workers.
  double term = 1;
  double sum = 0;
  for (int i = 0; i < kTandemWorkers; ++i) {
    sum += term;
    term *= kLoad / (i + 1);
  }
  const double all_busy = term / (1 - kLoad / kTandemWorkers);
  const double waits = all_busy / (sum + all_busy);
  const double service = static_cast<double>(kTandemService);
  return kTandemStations * (service + waits * service / (kTandemWorkers - kLoad));
}

// The standard library's draws, for an engine that brings none of its own.
class StandardExponential {
 public:
  int64_t operator()(int64_t mean) {
    return static_cast<int64_t>(law_(random_) * static_cast<double>(mean));
  }

 private:
  std::mt19937_64 random_{92};
  std::exponential_distribution<double> law_;
};

template <class Engine, class Exponential>
class PlainTandem {
 public:
  PlainTandem(Engine& engine, Exponential draw, Lap lap) : engine_(engine), draw_(draw), lap_(lap) {
    Arrive();
  }
  const Lap& lap() const { return lap_; }
  double MeanSojourn() const { return total_ / static_cast<double>(left_count_); }

 private:
  struct Line {
    std::vector<int64_t> waiting;  // Entry times; taken from `head`.
    size_t head = 0;
    int busy = 0;
  };
  void Arrive() {
    Enter(0, engine_.Now());
    engine_.After(draw_(kTandemGap), [this] { Arrive(); });
  }
  void Enter(int station, int64_t entered) {
    Line& line = lines_[static_cast<size_t>(station)];
    if (line.busy < kTandemWorkers) {
      ++line.busy;
      Serve(station, entered);
    } else {
      line.waiting.push_back(entered);
    }
  }
  void Serve(int station, int64_t entered) {
    engine_.After(draw_(kTandemService), [this, station, entered] { Leave(station, entered); });
  }
  void Leave(int station, int64_t entered) {
    Line& line = lines_[static_cast<size_t>(station)];
    if (line.head == line.waiting.size()) {
      --line.busy;
    } else {
      const int64_t next = line.waiting[line.head++];
      if (line.head == line.waiting.size()) {
        line.waiting.clear();
        line.head = 0;
      }
      Serve(station, next);
    }
    if (station + 1 < kTandemStations) {
      Enter(station + 1, entered);
      return;
    }
    total_ += static_cast<double>(engine_.Now() - entered);
    ++left_count_;
    if (lap_.Step()) engine_.Stop();
  }

  Engine& engine_;
  Exponential draw_;
  Lap lap_;
  std::array<Line, kTandemStations> lines_;
  double total_ = 0;
  int64_t left_count_ = 0;
};

}  // namespace freshet::bench

#endif  // FRESHET_TESTS_BENCH_WORKLOAD_H_
