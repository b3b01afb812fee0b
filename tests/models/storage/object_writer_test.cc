#include "models/storage/object_writer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/metrics.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {
namespace {

using testing::Optional;

// Parts of 16 MiB (160 ms at 100 MiB/s, and 100 ms of latency), two calls at a time, one attempt.
class ObjectWriterTest : public testing::Test {
 protected:
  static Network::Config OneZone() {
    Network::Config config;
    config.zones = {"a"};
    return config;
  }
  static ObjectClient::Config TwoAtATime() {
    ObjectClient::Config config = ObjectClient::Defaults(1);
    config.most_in_flight = 2;
    config.retry.most_retries = 0;
    return config;
  }
  void Write(Bytes size) {
    writer.Write(object, size, ObjectCause::kUpload, [this](ObjectResult how) {
      result = how;
      ended = sim.Now();
    });
  }
  int64_t PutRequests() { return ValueOf(sim, store, ObjectStore::kPutRequests); }

  Simulation sim{92};
  Network network{sim, "network", OneZone()};
  HostId host = network.AddHost("broker-1", 0, MiBPerSecond(1000));
  ObjectStore store{sim, "s3", QuietStore()};
  ObjectId object = store.NewObject(store.AddPrefix("data"));
  ObjectClient client{sim, "client", &store, &network, host, TwoAtATime()};
  ObjectWriter writer{&client, MiB(16)};
  ObjectResult result = ObjectResult::kFailed;
  Time ended = Time::FromNanos(-1);
};

TEST_F(ObjectWriterTest, UpToAPartItIsOnePut) {
  Write(MiB(16));
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kOk);
  EXPECT_EQ(ended.SinceStart(), Milliseconds(160 + 100));
  EXPECT_EQ(PutRequests(), 1);
}

TEST_F(ObjectWriterTest, BeyondAPartItIsAnUploadOfParts) {
  Write(MiB(40));
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kOk);
  // Created, two parts of 16 MiB side by side, one of 8, completed.
  EXPECT_EQ(ended.SinceStart(), Milliseconds(100 + 260 + 180 + 100));
  EXPECT_EQ(PutRequests(), 5);
  EXPECT_THAT(store.SizeOf(object), Optional(MiB(40)));
  EXPECT_EQ(store.stored(), MiB(40));
}

TEST_F(ObjectWriterTest, PartsWaitForOneAnotherWhereTheOwnerSaysSo) {
  ObjectWriter one_by_one(&client, MiB(16), /*most_parts=*/1);
  one_by_one.Write(object, MiB(40), ObjectCause::kTiering, [this](ObjectResult how) {
    result = how;
    ended = sim.Now();
  });
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kOk);
  EXPECT_EQ(ended.SinceStart(), Milliseconds(100 + 260 + 260 + 180 + 100));
  EXPECT_EQ(PutRequests(), 5);
}

TEST_F(ObjectWriterTest, AfterAPartThatFailedNoOtherBegins) {
  ObjectWriter one_by_one(&client, MiB(16), /*most_parts=*/1);
  one_by_one.Write(object, MiB(40), ObjectCause::kTiering,
                   [this](ObjectResult how) { result = how; });
  sim.RunUntil(Time() + Milliseconds(150));
  store.SetFailureShare(Ratio::One());  // Of what is asked from now on: the second part.
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kFailed);
  EXPECT_EQ(PutRequests(), 2);                              // What fails is free.
  EXPECT_EQ(ValueOf(sim, store, ObjectStore::kFailed), 2);  // The part and the abort.
  EXPECT_EQ(store.object_count(), 0);
}

TEST_F(ObjectWriterTest, APartThatFailsAbortsTheUpload) {
  Write(MiB(40));
  sim.RunUntil(Time() + Milliseconds(100));  // The first two parts have begun.
  store.SetFailureShare(Ratio::One());
  sim.RunUntil(Time() + Milliseconds(360));  // The third one has.
  store.SetFailureShare(Ratio());
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kFailed);
  EXPECT_EQ(ended.SinceStart(), Milliseconds(100 + 260 + 180 + 100));
  EXPECT_EQ(store.SizeOf(object), std::nullopt);
  EXPECT_EQ(store.stored(), Bytes(0));
  EXPECT_EQ(store.removed(), MiB(32));
  EXPECT_EQ(store.upload_count(), 0u);
}

TEST_F(ObjectWriterTest, AnUploadThatCannotBeCompletedIsAborted) {
  Write(MiB(32));
  sim.RunUntil(Time() + Milliseconds(300));
  store.SetFailureShare(Ratio::One());
  sim.RunUntil(Time() + Milliseconds(400));  // The end has been asked for.
  store.SetFailureShare(Ratio());
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kFailed);
  EXPECT_EQ(store.SizeOf(object), std::nullopt);
  EXPECT_EQ(store.stored(), Bytes(0));
}

TEST_F(ObjectWriterTest, AnUploadThatCannotBeginFails) {
  store.SetFailureShare(Ratio::One());
  Write(MiB(32));
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kFailed);
  EXPECT_EQ(ended.SinceStart(), Milliseconds(100));
}

TEST_F(ObjectWriterTest, ACrashLeavesThePartsThatWereStored) {
  Write(MiB(40));
  sim.RunUntil(Time() + Milliseconds(400));
  client.DropAll();
  writer.DropAll();
  sim.Run();
  EXPECT_EQ(ended, Time::FromNanos(-1));
  EXPECT_EQ(store.stored(), MiB(32));
  EXPECT_EQ(store.upload_count(), 1u);
  client.AbortUpload(object, ObjectCause::kRecovery, [](ObjectResult) {});
  sim.Run();
  EXPECT_EQ(store.stored(), Bytes(0));
  Write(MiB(40));  // Nothing is in its way.
  sim.Run();
  EXPECT_EQ(result, ObjectResult::kOk);
}

}  // namespace
}  // namespace freshet
