// How a broker of a leaderless cluster writes and reads files: through three clients of each
// bucket, so that neither a replay nor maintenance takes a connection from producers. Merged files
// are sent part after part, as they are made, and go with deletions.
//
// A new file is put into all ingest buckets side by side and is written when a quorum of them has
// it; the others follow. A put that fails is tried again after a back-off, a few times; when no
// quorum is left, the file is not written. A read asks the bucket of the own zone first, then the
// others.
//
// Approximated: a bucket of another zone answers as fast as the own one. docs/models/leaderless.md
// has the sources.
#ifndef FRESHET_MODELS_BROKER_FILE_CLIENT_H_
#define FRESHET_MODELS_BROKER_FILE_CLIENT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/broker/file_set.h"
#include "models/storage/object_writer.h"
#include "sim/component.h"
#include "sim/wait_for.h"

namespace freshet {

class FileClient : public Component {
 public:
  struct Config {
    ObjectClient::Config object_client;
    Bytes part_size;        // Larger files are written in parts.
    int64_t attempts = 1;   // Of a put, each with the retries of the client.
    Duration backoff;       // Between them.
    int ingest_quorum = 1;  // REQUIRES: at most as many as there are ingest buckets.
  };

  // REQUIRES: all pointers outlive it.
  FileClient(Simulation& sim, absl::string_view name, Network* network, HostId host, FileSet* files,
             const Config& config);

  // A file that is to be written; nothing is stored yet.
  FileId NewFile(Bytes size, uint32_t level);
  // `done` fires once, never re-entrantly: kOk when enough copies are there, kFailed when there
  // will not be. REQUIRES: the file is new.
  using Done = Completion<ObjectResult>;
  void Write(FileId file, ObjectCause cause, Done done);
  // The same; kNotFound when it was deleted. REQUIRES: the file is known and holds the range.
  void Read(FileId file, Bytes offset, Bytes size, ObjectCause cause, Done done);
  // Deletes copies, without an answer.
  void Delete(const std::vector<FileCopy>& copies);
  // The process dies: no call fires any more.
  void DropAll();

 private:
  struct Writing {
    ObjectCause cause;
    Done done;
    WaitForKOfN quorum;
    int copies;
    int answered = 0;
    int failed = 0;
  };
  struct Reading {
    FileId file;
    Bytes offset;
    Bytes size;
    ObjectCause cause;
    Done done;
    uint32_t first;  // Of its copies, which was asked first.
    uint32_t asked;  // How many were.
  };

  void Put(FileId file, uint32_t copy, uint32_t attempt);
  void PutOver(FileId file, uint32_t copy, uint32_t attempt, ObjectResult result);
  void Ask(uint64_t read);
  void Answered(uint64_t read, ObjectResult result);

  const Config config_;
  const ZoneId zone_;
  FileSet* const files_;
  std::vector<std::unique_ptr<ObjectClient>> clients_;  // By bucket, as all of these.
  std::vector<std::unique_ptr<ObjectClient>> write_clients_;
  std::vector<std::unique_ptr<ObjectClient>> maintenance_clients_;
  std::vector<std::unique_ptr<ObjectWriter>> writers_;
  std::vector<std::unique_ptr<ObjectWriter>> merge_writers_;
  std::vector<PrefixId> prefixes_;
  absl::btree_map<FileId, Writing> writing_;
  absl::btree_map<uint64_t, Reading> reading_;
  uint64_t next_read_ = 1;
  uint32_t life_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_FILE_CLIENT_H_
