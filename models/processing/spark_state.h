// The files of one state store of a query of Spark's kind, in its checkpoint location: for each
// version, which is the number of batches that went into it, a delta; once in a while a snapshot.
// To have a version is to read the last snapshot that is not younger, and the deltas behind it.
//
// As HDFSBackedStateStoreProvider does it; RocksDB's provider has other files.
#ifndef FRESHET_MODELS_PROCESSING_SPARK_STATE_H_
#define FRESHET_MODELS_PROCESSING_SPARK_STATE_H_

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/storage/object_store.h"

namespace freshet {

class SparkStateFiles {
 public:
  struct File {
    ObjectId object = 0;
    Bytes size;
  };

  // A batch that is run again writes the delta of its version again: under the same key, which is
  // none while there is no such file.
  ObjectId DeltaOf(int64_t version) const {
    const auto found = deltas_.find(version);
    return found == deltas_.end() ? ObjectId() : found->second.object;
  }
  void DeltaWritten(int64_t version, const File& file) { deltas_[version] = file; }
  void SnapshotWritten(int64_t version, const File& file) { snapshots_[version] = file; }

  // What is to be read to have this version.
  std::vector<File> FilesOf(int64_t version) const;
  // Deltas up to that version that no snapshot has.
  int64_t DeltasBehindSnapshot(int64_t version) const;
  // Forgets, and returns, the files that versions from `oldest` on do not need.
  std::vector<ObjectId> TakeOld(int64_t oldest);

 private:
  using Files = absl::btree_map<int64_t, File>;  // By version.

  // The last one that is not younger; end() if there is none.
  Files::const_iterator SnapshotFor(int64_t version) const;

  Files deltas_;
  Files snapshots_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_SPARK_STATE_H_
