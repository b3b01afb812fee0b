#include "models/storage/object_writer.h"

#include <algorithm>

namespace freshet {

ObjectWriter::ObjectWriter(ObjectClient* client, Bytes part_size)
    : client_(client), part_size_(part_size) {
  SIM_REQUIRE(part_size > Bytes(0));
}

void ObjectWriter::Write(ObjectId object, Bytes size, ObjectCause cause, ObjectClient::Done done) {
  if (size <= part_size_) return client_->Put(object, size, cause, done);
  const int64_t parts = MulDivCeil(size.count(), 1, part_size_.count());
  const Upload upload = {size, cause, done, parts, ObjectResult::kOk};
  SIM_REQUIRE(uploads_.try_emplace(object, upload).second);
  client_->CreateUpload(object, cause,
                        [this, object](ObjectResult result) { StartParts(object, result); });
}

void ObjectWriter::StartParts(ObjectId object, ObjectResult created) {
  if (created != ObjectResult::kOk) return Finish(object, created);
  const Upload upload = uploads_.at(object);
  Bytes rest = upload.size;
  for (int32_t part = 0; rest > Bytes(0); ++part) {
    const Bytes size = std::min(rest, part_size_);
    client_->UploadPart(object, part, size, upload.cause,
                        [this, object](ObjectResult result) { PartOver(object, result); });
    rest -= size;
  }
}

void ObjectWriter::PartOver(ObjectId object, ObjectResult result) {
  Upload& upload = uploads_.at(object);
  if (upload.result == ObjectResult::kOk) upload.result = result;
  if (--upload.parts_left > 0) return;
  if (upload.result != ObjectResult::kOk) return Abort(object, upload.result);
  client_->CompleteUpload(object, upload.cause, [this, object](ObjectResult completed) {
    if (completed == ObjectResult::kOk) return Finish(object, completed);
    Abort(object, completed);
  });
}

void ObjectWriter::Abort(ObjectId object, ObjectResult why) {
  Upload& upload = uploads_.at(object);
  upload.result = why;
  client_->AbortUpload(object, upload.cause, [this, object](ObjectResult) {
    Finish(object, uploads_.at(object).result);
  });
}

void ObjectWriter::Finish(ObjectId object, ObjectResult result) {
  const auto entry = uploads_.find(object);
  ObjectClient::Done done = entry->second.done;
  uploads_.erase(entry);
  done(result);
}

}  // namespace freshet
