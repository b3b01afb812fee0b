// Writes whole objects through a client: one PUT up to the size of a part, else an upload whose
// parts go side by side, as many of one object as its owner allows and as the client lets them.
//
// If a part or the end of an upload fails, the upload is aborted once no part is under way, and the
// object is not there. Should the abort fail too, or the process die, its parts stay stored, and
// billed, as they do in S3 without a rule that removes them.
#ifndef FRESHET_MODELS_STORAGE_OBJECT_WRITER_H_
#define FRESHET_MODELS_STORAGE_OBJECT_WRITER_H_

#include <cstdint>

#include "absl/container/btree_map.h"
#include "models/storage/object_client.h"

namespace freshet {

class ObjectWriter {
 public:
  // `most_parts` of one object are under way at a time.
  // REQUIRES: part_size > 0, AutoMQ's is 16 MiB (AMQSRC); most_parts > 0.
  ObjectWriter(ObjectClient* client, Bytes part_size, int64_t most_parts = INT64_MAX);

  // `done` fires once, never re-entrantly: kOk when the object is there, else what the first
  // request that went wrong ended as. REQUIRES: no other upload of `object` is under way.
  void Write(ObjectId object, Bytes size, ObjectCause cause, ObjectClient::Done done);

  // The process dies. REQUIRES: the client drops its calls too.
  void DropAll() { uploads_.clear(); }

 private:
  struct Upload {
    Bytes size;
    ObjectCause cause;
    ObjectClient::Done done;
    int64_t parts_left;  // Neither done nor given up.
    int64_t parts_started;
    ObjectResult result;
  };

  void StartParts(ObjectId object, ObjectResult created);
  void StartPart(ObjectId object, Upload& upload);
  void PartOver(ObjectId object, ObjectResult result);
  void Finish(ObjectId object, ObjectResult result);
  void Abort(ObjectId object, ObjectResult why);

  ObjectClient* const client_;
  const Bytes part_size_;
  const int64_t most_parts_;
  absl::btree_map<ObjectId, Upload> uploads_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_STORAGE_OBJECT_WRITER_H_
