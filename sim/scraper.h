// Takes scrapes of metrics at a period, as a monitoring system does, so that a policy reads values
// as old as the real scrape and never newer: MetricRegistry::ReadAtAge() answers from them.
#ifndef FRESHET_SIM_SCRAPER_H_
#define FRESHET_SIM_SCRAPER_H_

#include "absl/strings/string_view.h"
#include "sim/component.h"

namespace freshet {

class Scraper : public Component {
 public:
  // Scrapes every `period`, first one period after now; what may be asked for goes back `memory`.
  // REQUIRES: period > 0.
  Scraper(Simulation& sim, absl::string_view name, Duration period, Duration memory)
      : Component(sim, name), period_(period), memory_(memory) {
    SIM_REQUIRE(period > Duration::Zero());
    Schedule();
  }

  void Watch(const Metric& metric) { sim().metrics().Watch(metric, period_, memory_); }
  // The value that a policy sees now, whose pipeline of scrapes delays it by `age`; `fallback`
  // while there is none that old.
  int64_t Read(const Metric& metric, Duration age, int64_t fallback) const {
    return sim().metrics().ReadAtAge(metric, age, fallback);
  }

 private:
  void Schedule() {
    // Control priority: the instant is complete when it is scraped.
    After<"scraper.scrape">(
        period_,
        [this] {
          sim().metrics().ScrapeAt(Now());
          Schedule();
        },
        Priority::kControl);
  }

  const Duration period_;
  const Duration memory_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_SCRAPER_H_
