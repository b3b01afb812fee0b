#include "models/storage/object_writer.h"

#include <algorithm>

namespace freshet {

ObjectWriter::ObjectWriter(ObjectClient* client, Bytes part_size, int64_t most_parts)
    : client_(client), part_size_(part_size), most_parts_(most_parts) {
  SIM_REQUIRE(part_size > Bytes(0) && most_parts > 0);
}

void ObjectWriter::Write(ObjectId object, Bytes size, ObjectCause cause, ObjectClient::Done done) {
  if (size <= part_size_) return client_->Put(object, size, cause, done);
  const int64_t parts = MulDivCeil(size.count(), 1, part_size_.count());
  const Upload upload = {size, cause, done, parts, 0, ObjectResult::kOk};
  SIM_REQUIRE(uploads_.try_emplace(object, upload).second);
  client_->CreateUpload(object, cause,
                        [this, object](ObjectResult result) { StartParts(object, result); });
}

void ObjectWriter::StartParts(ObjectId object, ObjectResult created) {
  if (created != ObjectResult::kOk) return Finish(object, created);
  Upload& upload = uploads_.at(object);
  const int64_t first = std::min(upload.parts_left, most_parts_);
  while (upload.parts_started < first) StartPart(object, upload);
}

void ObjectWriter::StartPart(ObjectId object, Upload& upload) {
  const int64_t part = upload.parts_started++;
  const Bytes size = std::min(upload.size - part_size_ * part, part_size_);
  client_->UploadPart(object, static_cast<int32_t>(part), size, upload.cause,
                      [this, object](ObjectResult result) { PartOver(object, result); });
}

void ObjectWriter::PartOver(ObjectId object, ObjectResult result) {
  Upload& upload = uploads_.at(object);
  const int64_t parts = MulDivCeil(upload.size.count(), 1, part_size_.count());
  if (upload.result == ObjectResult::kOk) upload.result = result;
  if (upload.result != ObjectResult::kOk && upload.parts_started < parts) {
    // What has not begun is given up.
    upload.parts_left -= parts - upload.parts_started;
    upload.parts_started = parts;
  }
  --upload.parts_left;
  if (upload.parts_started < parts) StartPart(object, upload);
  if (upload.parts_left > 0) return;
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
