// Rows Q29 to Q38 and A02, A04, A05: several stations, several classes, sharing, a closed loop.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/bandwidth.h"
#include "sim/component.h"
#include "sim/sampler.h"
#include "sim/station.h"
#include "tests/oracle/line.h"
#include "tests/oracle/replicate.h"

namespace freshet::oracle {
namespace {

// Counts from the moment that the warm-up ends.
struct Tally {
  int64_t count = 0;
  double sum = 0;
  std::vector<double> thresholds;
  std::vector<int64_t> over;

  void Add(Duration value) {
    const double units = static_cast<double>(value.nanos()) / kUnit;
    ++count;
    sum += units;
    over.resize(thresholds.size());
    for (size_t i = 0; i < thresholds.size(); ++i) over[i] += units > thresholds[i];
  }
  double Mean() const { return sum / static_cast<double>(count); }
  double Over(size_t i) const { return static_cast<double>(over[i]) / static_cast<double>(count); }
};

Station::Config Quiet(int64_t workers = 1) {
  Station::Config config;
  config.workers = workers;
  config.metrics = false;
  return config;
}

// An open network of exponential single-server stations with Poisson arrivals at the first; `next`
// says where a job goes from a station, -1 for out.
class Network : public Component {
 public:
  using Route = int (*)(int at, RandomStream& stream);

  Network(Simulation& sim, double rate, std::vector<double> service_rates, Route next)
      : Component(sim, "network"),
        next_(next),
        arrivals_(NewStream("arrivals")),
        routes_(NewStream("routes")),
        gap_(Sampler::Exponential(kUnit / rate)) {
    for (size_t i = 0; i < service_rates.size(); ++i) {
      const std::string name = "network/" + std::to_string(i);
      stations_.push_back(std::make_unique<Station>(sim, name, Quiet()));
      services_.push_back(Sampler::Exponential(kUnit / service_rates[i]));
      draws_.push_back(RandomStream(sim.seed(), name, "services"));
    }
  }

  void Run(Duration warm_up, Duration span) {
    Arrive();
    sim().RunUntil(Time() + warm_up);
    sojourns.count = 0;
    sojourns.sum = 0;
    sojourns.over.assign(sojourns.thresholds.size(), 0);
    for (const auto& station : stations_) {
      present_at_start_.push_back(station->PresentIntegral());
      busy_at_start_.push_back(station->BusyTime());
      offered_at_start_.push_back(station->offered());
    }
    sim().RunUntil(Time() + warm_up + span);
    span_ = static_cast<double>(span.nanos());
  }

  double Present(size_t i) const {
    return static_cast<double>(stations_[i]->PresentIntegral() - present_at_start_[i]) / span_;
  }
  double AllPresent() const {
    double sum = 0;
    for (size_t i = 0; i < stations_.size(); ++i) sum += Present(i);
    return sum;
  }
  double Busy(size_t i) const {
    return static_cast<double>((stations_[i]->BusyTime() - busy_at_start_[i]).nanos()) / span_;
  }
  double ArrivalRate(size_t i) const {
    return static_cast<double>(stations_[i]->offered() - offered_at_start_[i]) / (span_ / kUnit);
  }

  Tally sojourns;

 private:
  void Arrive() {
    Visit(0, Now());
    After<"network.arrival">(gap_.DrawDuration(arrivals_), [this] { Arrive(); });
  }
  void Visit(int at, Time entered) {
    const auto i = static_cast<size_t>(at);
    stations_[i]->Serve(services_[i].DrawDuration(draws_[i]), [this, at, entered] {
      const int next = next_(at, routes_);
      if (next >= 0) {
        Visit(next, entered);
      } else {
        sojourns.Add(Now() - entered);
      }
    });
  }

  const Route next_;
  RandomStream arrivals_;
  RandomStream routes_;
  const Sampler gap_;
  std::vector<std::unique_ptr<Station>> stations_;
  std::vector<Sampler> services_;
  std::vector<RandomStream> draws_;
  std::vector<__int128> present_at_start_;
  std::vector<Duration> busy_at_start_;
  std::vector<int64_t> offered_at_start_;
  double span_ = 0;
};

Duration Units(double units) { return Duration::FromDouble(units * kUnit); }

TEST(QuickNetworkOracle, Q29TandemOfThree) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    Network network(sim, 0.5, {1, 0.8, 0.7},
                    [](int at, RandomStream&) { return at == 2 ? -1 : at + 1; });
    network.sojourns.thresholds = {Value("Q29", "W p50"), Value("Q29", "W p95"),
                                   Value("Q29", "W p99")};
    network.Run(Units(2000), Units(200000));
    return Answers{network.sojourns.Mean(), network.sojourns.Over(0), network.sojourns.Over(1)};
  });
  ExpectOracle(estimates[0], "Q29", "W mean sojourn");
  ExpectNear(estimates[1], 0.5, "Q29", "W p50", kMean);
  ExpectNear(estimates[2], 0.05, "Q29", "W p95", kTail);
}

TEST(QuickNetworkOracle, Q30FeedbackOfRetries) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    Network network(sim, 0.6, {1},
                    [](int, RandomStream& stream) { return DrawBernoulli(stream, 1, 5) ? 0 : -1; });
    network.Run(Units(2000), Units(400000));
    return Answers{network.ArrivalRate(0), network.Present(0), network.sojourns.Mean()};
  });
  ExpectOracle(estimates[0], "Q30", "effective arrival rate");
  ExpectOracle(estimates[1], "Q30", "L");
  ExpectOracle(estimates[2], "Q30", "total W (all passes)");
}

TEST(QuickNetworkOracle, Q31JacksonNetworkOfThree) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    Network network(sim, 1, {2, 1.2, 1.3}, [](int at, RandomStream& stream) {
      if (at == 0) return DrawBernoulli(stream, 6, 10) ? 1 : 2;
      if (at == 1) return DrawBernoulli(stream, 1, 10) ? 0 : 2;
      return -1;
    });
    network.Run(Units(2000), Units(200000));
    return Answers{network.AllPresent(), network.sojourns.Mean(), network.Busy(2)};
  });
  ExpectOracle(estimates[0], "Q31", "total L");
  ExpectOracle(estimates[1], "Q31", "mean end-to-end W");
  ExpectOracle(estimates[2], "Q31", "rho_C");
}

// A window of so many in flight: think, first queue, second queue, and again.
class ClosedLoop : public Component {
 public:
  ClosedLoop(Simulation& sim, int jobs)
      : Component(sim, "loop"),
        jobs_(jobs),
        first_(sim, "loop/first", Quiet()),
        second_(sim, "loop/second", Quiet()),
        thinks_(NewStream("thinks")),
        firsts_(NewStream("firsts")),
        seconds_(NewStream("seconds")) {}

  // Throughput, response time of the queues, utilisation of the second.
  Answers Run(Duration warm_up, Duration span) {
    for (int i = 0; i < jobs_; ++i) Think();
    sim().RunUntil(Time() + warm_up);
    responses_ = Tally();
    const Duration busy = second_.BusyTime();
    sim().RunUntil(Time() + warm_up + span);
    const double units = static_cast<double>(span.nanos()) / kUnit;
    return {static_cast<double>(responses_.count) / units, responses_.Mean(),
            static_cast<double>((second_.BusyTime() - busy).nanos()) / kUnit / units};
  }

 private:
  void Think() {
    After<"loop.think">(think_.DrawDuration(thinks_), [this] {
      const Time asked = Now();
      first_.Serve(service_.DrawDuration(firsts_), [this, asked] {
        second_.Serve(slower_.DrawDuration(seconds_), [this, asked] {
          responses_.Add(Now() - asked);
          Think();
        });
      });
    });
  }

  const int jobs_;
  Station first_;
  Station second_;
  RandomStream thinks_;
  RandomStream firsts_;
  RandomStream seconds_;
  const Sampler think_ = Sampler::Exponential(2 * kUnit);
  const Sampler service_ = Sampler::Exponential(0.5 * kUnit);
  const Sampler slower_ = Sampler::Exponential(0.8 * kUnit);
  Tally responses_;
};

void HoldClosedLoop(const char* id, int jobs) {
  const auto estimates = Replicate([jobs](uint64_t seed) {
    Simulation sim(seed);
    return ClosedLoop(sim, jobs).Run(Units(500), Units(20000));
  });
  ExpectOracle(estimates[0], id, "throughput");
  ExpectOracle(estimates[1], id, "response time (queues)");
  ExpectOracle(estimates[2], id, "utilisation of 0.8 s queue");
}
TEST(QuickNetworkOracle, Q32WindowOfFive) { HoldClosedLoop("Q32", 5); }
TEST(QuickNetworkOracle, Q33WindowOfTen) { HoldClosedLoop("Q33", 10); }

// Two classes at one worker.
class TwoClasses : public Component {
 public:
  TwoClasses(Simulation& sim, bool preemptive, std::array<double, 2> rates,
             std::array<Sampler, 2> services)
      : Component(sim, "two"),
        station_(sim, "two/station", Options(preemptive)),
        services_(services) {
    for (size_t i = 0; i < 2; ++i) {
      gaps_[i] = Sampler::Exponential(kUnit / rates[i]);
      gap_draws_.push_back(NewStream("gaps" + std::to_string(i)));
      service_draws_.push_back(NewStream("services" + std::to_string(i)));
    }
  }

  // Mean wait and mean sojourn of each class.
  Answers Run(Duration warm_up, Duration span) {
    Arrive(0);
    Arrive(1);
    sim().RunUntil(Time() + warm_up);
    sojourns_ = {};
    waits_ = {};
    sim().RunUntil(Time() + warm_up + span);
    return {waits_[0].Mean(), waits_[1].Mean(), sojourns_[0].Mean(), sojourns_[1].Mean()};
  }

 private:
  static Station::Config Options(bool preemptive) {
    Station::Config config = Quiet();
    config.classes = 2;
    config.preemptive = preemptive;
    return config;
  }
  void Arrive(uint32_t which) {
    const Time now = Now();
    const Duration service = services_[which].DrawDuration(service_draws_[which]);
    const auto length = static_cast<uint32_t>(service.nanos());
    station_.Serve(
        service, [this, now, which, length] { Done(which, now, length); }, static_cast<int>(which));
    After<"two.arrival">(gaps_[which].DrawDuration(gap_draws_[which]),
                         [this, which] { Arrive(which); });
  }
  void Done(uint32_t which, Time arrived, int64_t service) {
    sojourns_[which].Add(Now() - arrived);
    waits_[which].Add(Now() - arrived - Nanoseconds(service));
  }

  Station station_;
  std::array<Sampler, 2> gaps_;
  std::array<Sampler, 2> services_;
  std::vector<RandomStream> gap_draws_;
  std::vector<RandomStream> service_draws_;
  std::array<Tally, 2> sojourns_;
  std::array<Tally, 2> waits_;
};

std::vector<Estimate> RunTwoClasses(bool preemptive, std::array<double, 2> rates,
                                    std::array<Sampler, 2> services, double units) {
  return Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    return TwoClasses(sim, preemptive, rates, services).Run(Units(5000), Units(units / kRuns));
  });
}

TEST(QuickNetworkOracle, Q34PriorityWithoutInterruption) {
  const Sampler service = Sampler::Exponential(kUnit);
  const auto estimates = RunTwoClasses(false, {0.3, 0.5}, {service, service}, 34e6);
  ExpectOracle(estimates[0], "Q34", "Wq class 1 (high)");
  ExpectOracle(estimates[1], "Q34", "Wq class 2 (low)");
}

TEST(QuickNetworkOracle, Q35PriorityWithInterruption) {
  const Sampler service = Sampler::Exponential(kUnit);
  const auto estimates = RunTwoClasses(true, {0.3, 0.5}, {service, service}, 20e6);
  ExpectOracle(estimates[2], "Q35", "W class 1 (high)");
  ExpectOracle(estimates[3], "Q35", "W class 2 (low)");
}

TEST(QuickNetworkOracle, Q36PriorityOfShortJobs) {
  const auto estimates = RunTwoClasses(
      false, {0.4, 0.5}, {Sampler::Constant(0.5 * kUnit), Sampler::Exponential(kUnit)}, 16e6);
  ExpectOracle(estimates[0], "Q36", "Wq class 1");
  ExpectOracle(estimates[1], "Q36", "Wq class 2");
}

// Processor sharing: bytes are nanoseconds of work at a gigabyte per second.
class SharedLink : public Component {
 public:
  explicit SharedLink(Simulation& sim)
      : Component(sim, "shared"),
        link_(sim, "shared/link", Options()),
        gaps_(NewStream("gaps")),
        sizes_(NewStream("sizes")) {}

  Answers Run(Duration warm_up, Duration span) {
    Arrive();
    sim().RunUntil(Time() + warm_up);
    all_ = Tally();
    large_ = Tally();
    idle_ = Duration();
    if (link_.active() == 0) idle_since_ = Now();
    sim().RunUntil(Time() + warm_up + span);
    if (link_.active() == 0) idle_ += Now() - idle_since_;
    return {all_.Mean(), large_.Mean(),
            static_cast<double>(idle_.nanos()) / static_cast<double>(span.nanos())};
  }

 private:
  static Bandwidth::Config Options() {
    Bandwidth::Config config;
    config.capacity = BytesPerSecond(1'000'000'000);
    config.metrics = false;
    return config;
  }
  // Sizes 3 and 0.5, of mean 1: any law would do.
  void Arrive() {
    const Time now = Now();
    const bool is_large = DrawBernoulli(sizes_, 1, 5);
    if (link_.active() == 0) idle_ += now - idle_since_;
    link_.Start(Bytes(static_cast<int64_t>((is_large ? 3 : 0.5) * kUnit)), [this, now, is_large] {
      all_.Add(Now() - now);
      if (is_large) large_.Add(Now() - now);
      if (link_.active() == 0) idle_since_ = Now();
    });
    After<"shared.arrival">(gap_.DrawDuration(gaps_), [this] { Arrive(); });
  }

  Bandwidth link_;
  RandomStream gaps_;
  RandomStream sizes_;
  const Sampler gap_ = Sampler::Exponential(kUnit / 0.8);
  Tally all_;
  Tally large_;
  Duration idle_;
  Time idle_since_;
};

TEST(QuickNetworkOracle, Q37ProcessorSharing) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    return SharedLink(sim).Run(Units(5000), Units(400000));
  });
  ExpectOracle(estimates[0], "Q37", "W mean sojourn");
  ExpectOracle(estimates[1], "Q37", "mean sojourn of a job of size 3");
  ExpectOracle(estimates[2], "Q37", "P(N=0)");
}

// Requests in flight without a limit: how many there are, and how long more than a threshold.
class InFlight : public Component {
 public:
  InFlight(Simulation& sim, double rate, Sampler service, int64_t threshold)
      : Component(sim, "flight"),
        station_(sim, "flight/station", Quiet(INT64_MAX)),
        gaps_(NewStream("gaps")),
        services_(NewStream("services")),
        gap_(Sampler::Exponential(kUnit / rate)),
        service_(service),
        threshold_(threshold) {}

  // Mean number, part of the time with more than the threshold, part of the time with none.
  Answers Run(Duration warm_up, Duration span) {
    Arrive();
    sim().RunUntil(Time() + warm_up);
    const __int128 present = station_.PresentIntegral();
    above_ = none_ = Duration();
    changed_ = Now();
    sim().RunUntil(Time() + warm_up + span);
    Settle(station_.present());
    const auto nanos = static_cast<double>(span.nanos());
    return {static_cast<double>(station_.PresentIntegral() - present) / nanos,
            static_cast<double>(above_.nanos()) / nanos,
            static_cast<double>(none_.nanos()) / nanos};
  }

 private:
  void Settle(int64_t held) {
    if (held > threshold_) above_ += Now() - changed_;
    if (held == 0) none_ += Now() - changed_;
    changed_ = Now();
  }
  void Arrive() {
    Settle(station_.present());
    station_.Serve(service_.DrawDuration(services_), [this] { Settle(station_.present() + 1); });
    After<"flight.arrival">(gap_.DrawDuration(gaps_), [this] { Arrive(); });
  }

  Station station_;
  RandomStream gaps_;
  RandomStream services_;
  const Sampler gap_;
  const Sampler service_;
  const int64_t threshold_;
  Duration above_;
  Duration none_;
  Time changed_;
};

TEST(QuickNetworkOracle, Q38UnlimitedInFlight) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);  // The unit is a millisecond: 1 request each, 20 of service.
    return InFlight(sim, 1, Sampler::Exponential(20 * kUnit), 30).Run(Units(500), Units(240000));
  });
  ExpectOracle(estimates[0], "Q38", "mean in flight");
  ExpectOracle(estimates[1], "Q38", "P(N>30)", kTail);
}

// Records on the leader and not yet on a follower, at a moment nobody chose.
TEST(QuickNetworkOracle, A04UnreplicatedAtACrash) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    return InFlight(sim, 1, Sampler::Exponential(5 * kUnit), 10).Run(Units(100), Units(120000));
  });
  ExpectOracle(estimates[0], "A04", "mean lost on failover");
  ExpectOracle(estimates[2], "A04", "P(no loss)", kTail);
}
TEST(QuickNetworkOracle, A05UnreplicatedWithAFixedDelay) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    return InFlight(sim, 1, Sampler::Constant(5 * kUnit), 10).Run(Units(100), Units(60000));
  });
  ExpectOracle(estimates[1], "A05", "P(lost > 10)", kTail);
}

// Three brokers and one repair crew; the unit is an hour.
class RepairShop : public Component {
 public:
  explicit RepairShop(Simulation& sim)
      : Component(sim, "shop"),
        crew_(sim, "shop/crew", Quiet()),
        lives_(NewStream("lives")),
        repairs_(NewStream("repairs")) {}

  Answers Run(Duration span) {
    for (int i = 0; i < 3; ++i) Live();
    sim().RunUntil(Time() + span);
    Settle(crew_.present());
    Answers parts;
    for (const Duration time : down_) {
      parts.push_back(static_cast<double>(time.nanos()) / static_cast<double>(span.nanos()));
    }
    return parts;
  }

 private:
  void Settle(int64_t held) {
    down_[static_cast<size_t>(held)] += Now() - changed_;
    changed_ = Now();
  }
  void Live() {
    After<"shop.failure">(life_.DrawDuration(lives_), [this] {
      Settle(crew_.present());
      crew_.Serve(repair_.DrawDuration(repairs_), [this] {
        Settle(crew_.present() + 1);
        Live();
      });
    });
  }

  Station crew_;
  RandomStream lives_;
  RandomStream repairs_;
  const Sampler life_ = Sampler::Exponential(1000 * kUnit);
  const Sampler repair_ = Sampler::Exponential(4 * kUnit);
  std::array<Duration, 4> down_;
  Time changed_;
};

TEST(QuickNetworkOracle, A02OneRepairCrew) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    return RepairShop(sim).Run(Units(8e7));
  });
  ExpectOracle(estimates[0], "A02", "P(0 down)");
  ExpectOracle(estimates[1], "A02", "P(1 down)", kTail);
  ExpectOracle(estimates[2], "A02", "P(2 down)", kTail);
}

}  // namespace
}  // namespace freshet::oracle
