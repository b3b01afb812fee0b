#include "sim/scraper.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

constexpr MetricDef kLevel = {"test.level", MetricKind::kGauge, MetricUnit::kCount, "A level."};

class Ramp : public Component {
 public:
  explicit Ramp(Simulation& sim) : Component(sim, "ramp"), level(AddGauge(kLevel)) { Step(); }
  Gauge& level;

 private:
  void Step() {
    After<"ramp.step">(Seconds(1), [this] {
      level.Add(1);
      Step();
    });
  }
};

TEST(ScraperTest, APolicyNeverSeesANewerValueThanTheScrape) {
  Simulation sim(1);
  Ramp ramp(sim);  // At t seconds the level is t.
  Scraper scraper(sim, "scraper", Seconds(10), Minutes(5));
  scraper.Watch(ramp.level);

  sim.RunUntil(Time::FromNanos(0) + Seconds(9));
  EXPECT_EQ(scraper.Read(ramp.level, Duration::Zero(), -1), -1);  // No scrape yet.
  sim.RunUntil(Time::FromNanos(0) + Seconds(29));
  EXPECT_EQ(scraper.Read(ramp.level, Duration::Zero(), -1), 20);  // Not 29: scraped at 20 s.
  EXPECT_EQ(scraper.Read(ramp.level, Seconds(9), -1), 20);        // Exactly nine seconds old.
  EXPECT_EQ(scraper.Read(ramp.level, Seconds(10), -1), 10);
  EXPECT_EQ(scraper.Read(ramp.level, Seconds(20), -1), -1);
}

TEST(ScraperTest, AScrapeSeesItsInstantComplete) {
  Simulation sim(1);
  Scraper scraper(sim, "scraper", Seconds(1), Minutes(1));  // Schedules before the ramp does.
  Ramp ramp(sim);
  scraper.Watch(ramp.level);
  sim.RunUntil(Time::FromNanos(0) + Seconds(3));
  EXPECT_EQ(scraper.Read(ramp.level, Duration::Zero(), -1), 3);
}

}  // namespace
}  // namespace freshet
