// Merging of small files into larger ones, as a broker of a leaderless cluster does it (WarpStream:
// compaction; Inkless: the file merger): it reads files that follow one another, writes one in
// which each partition's records lie together, and commits it in their place.
//
// It asks for work once an interval, and again at once after work. What is to be merged is the
// cluster's to say.
//
// Left out: processor time and memory. docs/models/leaderless.md has the sources.
#ifndef FRESHET_MODELS_BROKER_FILE_MERGER_H_
#define FRESHET_MODELS_BROKER_FILE_MERGER_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/broker/file_client.h"
#include "models/log/log_service.h"
#include "sim/component.h"

namespace freshet {

struct FileMerge {
  // Where a partition lies in the target.
  struct Place {
    PartitionId partition;
    Bytes offset;
    Bytes bytes;
  };
  std::vector<FileId> sources;  // In the order of their commits.
  std::vector<Place> places;
  uint32_t level = 1;
  Bytes size;
  FileId target = 0;  // Once it is being written.
};

class FileMerger : public Component {
 public:
  struct Config {
    Duration interval;
    Bytes piece;  // Read at a time.
  };

  class Owner {
   public:
    virtual ~Owner() = default;
    // Fills in a merge that is to be done, if there is one.
    virtual bool NextMerge(FileMerge* merge) = 0;
    // Commits it; MergeOver() follows, if the broker lives.
    virtual void CommitMerge(BrokerId by, FileMerge merge) = 0;
    // It will not be done.
    virtual void AbandonMerge(const FileMerge& merge) = 0;
  };

  static constexpr MetricDef kMerges = {"broker.merges", MetricKind::kCounter, MetricUnit::kCount,
                                        "Merges of files that were handed in for commit."};
  static constexpr MetricDef kMergedBytes = {"broker.merged_bytes", MetricKind::kCounter,
                                             MetricUnit::kBytes, "Bytes that merges wrote."};

  // REQUIRES: all pointers outlive it.
  FileMerger(Simulation& sim, absl::string_view name, BrokerId id, FileClient* client,
             const FileSet* files, Owner* owner, const Config& config);

  // The process begins; it looks for work an interval from now.
  void Start();
  void MergeOver();
  // The process dies. REQUIRES: the client drops its calls too.
  void DropAll();

 private:
  void Look();
  void TryNext();
  void ReadNext();
  void ReadPiece(Bytes size);
  void Write();

  const Config config_;
  const BrokerId id_;
  FileClient* const client_;
  const FileSet* const files_;
  Owner* const owner_;
  FileMerge merge_;
  bool busy_ = false;
  bool handed_in_ = false;
  size_t source_ = 0;     // Being read,
  Bytes read_of_source_;  // and how far.
  uint32_t life_ = 0;
  Counter& merges_;
  Counter& merged_bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_FILE_MERGER_H_
