// A table without chance, so that times can be told in the head: the store of quiet_store.h, a
// catalog that answers after 50 ms, and metadata small enough to take no time on a stream.
#ifndef FRESHET_TESTS_MODELS_TABLE_QUIET_TABLE_H_
#define FRESHET_TESTS_MODELS_TABLE_QUIET_TABLE_H_

#include "models/sink/iceberg_table.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {

// A stream of 1 TiB/s: what is small enough passes within a nanosecond.
inline ObjectStore::Config InstantBodies() {
  ObjectStore::Config config = QuietStore();
  config.stream_rate = Sampler::Constant(0x1p40);
  return config;
}

// Iceberg's own retries (four, from 100 ms on) and merges (at a hundred manifests or 8 MiB).
inline IcebergTable::Config QuietTable() {
  IcebergTable::Config config;
  config.catalog_latency = Sampler::Constant(50e6);
  config.small_file = MiB(16);
  config.commit_retry = {Milliseconds(100), Ratio::Whole(2), Seconds(60), 4};
  config.commit_retry_total = Minutes(30);
  config.manifest_target = MiB(8);
  config.manifests_to_merge = 100;
  config.snapshots_kept = 1;
  config.metadata_kept = 100;
  config.delete_metadata = false;
  config.maintenance = ObjectClient::Defaults(1);
  config.manifest_header = Bytes(4000);
  config.manifest_entry = Bytes(500);
  config.list_header = Bytes(2000);
  config.list_entry = Bytes(100);
  config.metadata_header = Bytes(5000);
  config.snapshot_entry = Bytes(700);
  config.version_entry = Bytes(150);
  return config;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_TABLE_QUIET_TABLE_H_
