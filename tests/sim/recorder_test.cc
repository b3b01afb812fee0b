#include "sim/recorder.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/component.h"

namespace freshet {
namespace {

class Notebook : public RecordSink {
 public:
  void OnLane(LaneId lane, LaneId parent, absl::string_view name) override {
    lanes.push_back(std::to_string(lane) + "<" + std::to_string(parent) + ":" + std::string(name));
  }
  void OnItem(const RecordedItem& item) override { items.push_back(item); }

  std::vector<std::string> lanes;
  std::vector<RecordedItem> items;
};

class Actor : public Component {
 public:
  using Component::After;
  using Component::Component;
};

TEST(RecorderTest, WithoutASinkNothingIsRecorded) {
  Recorder recorder;
  recorder.Configure(RecordLevel::kRequests, nullptr);
  EXPECT_FALSE(recorder.Records(RecordLevel::kState, Time()));
  EXPECT_EQ(recorder.State(recorder.AddLane("x"), "up", Time(), 1), 0u);
  EXPECT_EQ(recorder.ItemCount(), 0u);
}

TEST(RecorderTest, RecordsUpToItsLevelAndDetailsOnlyInTheWindow) {
  Recorder recorder;
  Notebook notebook;
  recorder.Configure(RecordLevel::kSpans, &notebook);
  recorder.SetWindow(Time() + Seconds(10), Time() + Seconds(20));
  EXPECT_TRUE(recorder.Records(RecordLevel::kState, Time()));
  EXPECT_FALSE(recorder.Records(RecordLevel::kSpans, Time() + Seconds(9)));
  EXPECT_TRUE(recorder.Records(RecordLevel::kSpans, Time() + Seconds(10)));
  EXPECT_FALSE(recorder.Records(RecordLevel::kSpans, Time() + Seconds(20)));
  EXPECT_FALSE(recorder.Records(RecordLevel::kRequests, Time() + Seconds(15)));
}

TEST(RecorderTest, LanesMakeATree) {
  Recorder recorder;
  Notebook notebook;
  recorder.Configure(RecordLevel::kState, &notebook);
  const LaneId broker = recorder.AddLane("broker-1");
  recorder.AddLane("disk", broker);
  EXPECT_EQ(notebook.lanes, (std::vector<std::string>{"1<0:broker-1", "2<1:disk"}));
}

TEST(RecorderTest, ClosuresInheritTheNearestRecordedAncestor) {
  Simulation sim(1);
  Notebook notebook;
  sim.recorder().Configure(RecordLevel::kSpans, &notebook);
  const LaneId lane = sim.recorder().AddLane("broker");
  Actor actor(sim, "actor");
  // A crash is recorded; an event that records nothing follows; then an election.
  actor.After<"crash">(Seconds(1), [&] {
    sim.recorder().State(lane, "down", sim.Now(), 1, Severity::kCritical);
    actor.After<"timeout">(Seconds(6), [&] {
      actor.After<"election">(Seconds(1), [&] {
        sim.recorder().Span(RecordLevel::kSpans, lane, "election", sim.Now() - Seconds(1),
                            sim.Now(), 3);
      });
    });
  });
  // Somebody else's event at the same time has none of it.
  actor.After<"append">(
      Seconds(8), [&] { sim.recorder().Mark(RecordLevel::kState, lane, "append", sim.Now()); });
  sim.Run();
  ASSERT_EQ(notebook.items.size(), 3u);
  EXPECT_STREQ(notebook.items[0].name, "down");
  EXPECT_EQ(notebook.items[0].ancestor, 0u);
  EXPECT_STREQ(notebook.items[1].name, "append");
  EXPECT_EQ(notebook.items[1].ancestor, 0u);
  EXPECT_STREQ(notebook.items[2].name, "election");
  EXPECT_EQ(notebook.items[2].ancestor, notebook.items[0].id);
  EXPECT_EQ(notebook.items[2].duration, Seconds(1));
  EXPECT_EQ(notebook.items[2].value, 3);
}

TEST(RecorderTest, TheDigestsDoNotDependOnWhatIsRecorded) {
  const auto run = [](RecordLevel level) {
    Simulation sim(1);
    Notebook notebook;
    sim.recorder().Configure(level, &notebook);
    const LaneId lane = sim.recorder().AddLane("lane");
    Actor actor(sim, "actor");
    for (int i = 0; i < 10; ++i) {
      actor.After<"x">(Seconds(i), [&sim, lane] {
        sim.recorder().Mark(RecordLevel::kRequests, lane, "x", sim.Now());
      });
    }
    sim.Run();
    return sim.FinishDigests();
  };
  EXPECT_EQ(run(RecordLevel::kOff), run(RecordLevel::kRequests));
}

TEST(RecorderCanary, ASpanDoesNotEndBeforeItStarts) {
  Recorder recorder;
  Notebook notebook;
  recorder.Configure(RecordLevel::kSpans, &notebook);
  EXPECT_THROW(recorder.Span(RecordLevel::kSpans, 0, "x", Time() + Seconds(2), Time() + Seconds(1)),
               InvariantBroken);
}

}  // namespace
}  // namespace freshet
