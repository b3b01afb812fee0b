// What brokers of every kind have is made from the schema in one way.
#include "scenarios/language/assemble_parts.h"

#include <gtest/gtest.h>

#include <variant>

#include "models/log/volume_wal.h"
#include "scenarios/language/assemble_s3stream.h"
#include "scenarios/language/load.h"

namespace freshet {
namespace {

v1::Volume Bursting() {
  v1::Volume volume;
  volume.set_bandwidth("125MB/s");
  volume.mutable_write_latency()->set_constant("2ms");
  volume.mutable_read_latency()->set_constant("1ms");
  volume.set_bandwidth_burst("250MB/s");
  volume.set_bandwidth_credits("1GB");
  volume.set_iops(3000);
  volume.set_io_size("256KiB");
  volume.set_iops_burst(6000);
  volume.set_iops_credits(90'000);
  return volume;
}

void ExpectBursting(const Volume::Config& volume) {
  EXPECT_EQ(volume.bandwidth, BytesPerSecond(125'000'000));
  EXPECT_EQ(volume.burst.rate, BytesPerSecond(250'000'000));
  EXPECT_EQ(volume.burst.credits, Bytes(1'000'000'000));
  EXPECT_EQ(volume.operations.per_second, 3000);
  EXPECT_EQ(volume.operations.io_size, KiB(256));
  EXPECT_EQ(volume.operations.burst_per_second, 6000);
  EXPECT_EQ(volume.operations.burst_credits, 90'000);
}

TEST(AssemblePartsTest, AVolumeHasAllItsLimits) { ExpectBursting(VolumeConfigOf(Bursting())); }

TEST(AssemblePartsTest, ABurstWithoutCreditsNeverHolds) {
  v1::Volume volume = Bursting();
  volume.clear_bandwidth_credits();
  EXPECT_EQ(VolumeConfigOf(volume).burst.rate, BytesPerSecond());
}

TEST(AssemblePartsTest, SoHasAVolumeWithAWriteAheadLog) {
  const LoadResult loaded = LoadText(
      "name: 'x' run_for: '1min' topic { name: 't' partitions: 1 replication_factor: 1 } "
      "component { name: 's3' object_store { } } "
      "component { name: 'log' s3stream { brokers: 1 vcpus: 4 direct_memory: '8GiB' "
      "network_bandwidth: '1GB/s' wal { kind: VOLUME capacity: '2GiB' attach_time: '1s' "
      "volume { kind: GP3 bandwidth: '125MB/s' bandwidth_burst: '250MB/s' "
      "bandwidth_credits: '1GB' iops: 3000 iops_burst: 6000 iops_credits: 90000 "
      "write_latency { constant: '2ms' } read_latency { constant: '1ms' } } } } }",
      "test.textproto");
  ASSERT_TRUE(loaded.ok()) << Report(loaded.problems);
  const S3StreamBroker::Config broker =
      S3StreamBrokerOf(loaded.variants.at(0).scenario.component(1).s3stream());
  ExpectBursting(std::get<VolumeWal::Config>(broker.wal).volume);
}

// A store is its preset where the text says nothing else.
TEST(AssemblePartsTest, AStoreIsItsPresetButForWhatIsStated) {
  v1::ObjectStorage text;
  text.set_preset(v1::ObjectStorage::OPTIMISTIC_2019);
  text.set_small_put("1KiB");
  text.set_large_put("2KiB");
  text.set_writes_per_prefix("100/s");
  text.set_reads_per_prefix("200/s");
  text.mutable_stream_rate()->set_constant("10MB/s");
  text.set_stall_probability("0.25");
  const ObjectStore::Config store = StoreConfigOf(text);
  const ObjectStore::Config preset = ObjectStore::Optimistic2019();
  RandomStream stated(1, "store", "draws");
  RandomStream given(1, "store", "draws");
  EXPECT_EQ(store.get_latency.Draw(stated), preset.get_latency.Draw(given));
  EXPECT_EQ(store.large_put_latency.Draw(stated), preset.large_put_latency.Draw(given));
  EXPECT_EQ(store.stream_rate.Draw(stated), 10'000'000);
  EXPECT_EQ(store.stall_probability, Ratio::Percent(25));
  EXPECT_EQ(store.small_put, KiB(1));
  EXPECT_EQ(store.writes_per_prefix, Rate::PerSecond(100));
}

}  // namespace
}  // namespace freshet
