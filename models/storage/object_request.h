// What is asked of an object store, and what it answers.
#ifndef FRESHET_MODELS_STORAGE_OBJECT_REQUEST_H_
#define FRESHET_MODELS_STORAGE_OBJECT_REQUEST_H_

#include <cstdint>

#include "sim/units.h"

namespace freshet {

// Keys with a common beginning; limits on requests hold for each.
using PrefixId = uint32_t;
// A key, which an object may or may not stand under. Its prefix is part of it. 0 is none.
using ObjectId = uint64_t;

// Why bytes go into the store or come out of it; each is metered apart.
enum class ObjectCause : uint8_t {
  kWal,          // A write-ahead log in objects.
  kUpload,       // From the log's tail into objects that last.
  kCompaction,   // Reading and writing objects anew.
  kCatchUpRead,  // A consumer reads what no cache holds.
  kReadAhead,    // The same, before he asks for it.
  kRecovery,     // Reading what a lost broker left.
  kMetadata,
  kTiering,  // Closed segments of a tiered log.
  kRouter,   // Records on their way between zones.
  kOther,
};
inline constexpr int kObjectCauseCount = 10;

// Which of them a bill counts as PUT and which as GET; DELETE and abort are free (AWSS3).
enum class ObjectOperation : uint8_t {
  kPut,             // PUT class, and all but kGet and kList count against the limit on writes.
  kGet,             // GET class.
  kDelete,          // Free.
  kCreateUpload,    // PUT class, as each request of a multipart upload.
  kUploadPart,      //
  kCompleteUpload,  //
  kAbortUpload,     // Free.
  kList,            // PUT class, and counts against the limit on reads: a page of a prefix.
};

struct ObjectRequest {
  ObjectOperation operation;
  ObjectCause cause;
  int32_t part;  // Of kUploadPart, from 0.
  ObjectId object;
  Bytes offset;  // Of kGet.
  Bytes size;    // Of the body that goes (kPut, kUploadPart) or comes (kGet).
};

enum class ObjectAnswer : uint8_t {
  kOk,
  kNotFound,       // 404: no such object, no such upload.
  kSlowDown,       // 503: beyond the limit of the prefix.
  kInternalError,  // 500: a brown-out.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_STORAGE_OBJECT_REQUEST_H_
