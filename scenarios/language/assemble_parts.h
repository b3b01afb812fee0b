// Parts that stand under brokers of every kind, as the schema states them: a volume, the process,
// an object store.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_PARTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_PARTS_H_

#include <string>

#include "models/broker/broker.h"
#include "models/storage/object_store.h"
#include "models/storage/volume.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// A burst rate whose bucket is not known never holds. `at_start` empty: the bucket is full.
BandwidthBurst BurstOf(const std::string& rate, const std::string& credits,
                       const std::string& at_start);

// REQUIRES: `volume` is checked and has its defaults.
Volume::Config VolumeConfigOf(const v1::Volume& volume);

// The preset, and what the text has in the place of it. REQUIRES: as above.
ObjectStore::Config StoreConfigOf(const v1::ObjectStorage& text);

// What the messages of all broker designs call alike. REQUIRES: `text` is checked and has its
// defaults.
template <class Text>
Broker::Config ProcessOf(const Text& text) {
  Broker::Config process;
  process.vcpus = text.vcpus();
  process.network_bandwidth = BytesPerSecondOf(text.network_bandwidth());
  process.io_threads = text.num_io_threads();
  process.cpu_per_request = DurationOf(text.cpu_per_request());
  process.cpu_per_partition = DurationOf(text.cpu_per_partition());
  process.cpu_per_mib = DurationOf(text.cpu_per_mib());
  return process;
}

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_PARTS_H_
