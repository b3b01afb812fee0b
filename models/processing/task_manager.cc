#include "models/processing/task_manager.h"

#include "absl/strings/str_cat.h"

namespace freshet {

TaskManager::TaskManager(Simulation& sim, absl::string_view name, Network* network,
                         const TaskManagerConfig& config, const StateStorageConfig& storage,
                         PrefixId prefix)
    : Component(sim, name),
      storage_(storage),
      prefix_(prefix),
      host_(network->AddHost(name, config.zone, config.network_bandwidth)) {
  Station::Config cores;
  cores.workers = config.vcpus;
  cpu_ = std::make_unique<Station>(sim, absl::StrCat(name, "/cpu"), cores);
  if (storage.store != nullptr) {
    client_ = std::make_unique<ObjectClient>(sim, absl::StrCat(name, "/state"), storage.store,
                                             network, host_, *storage.client);
    writer_ = std::make_unique<ObjectWriter>(client_.get(), storage.part_size);
  } else {
    Bandwidth::Config rate;
    rate.capacity = storage.rate;
    rate_ = std::make_unique<Bandwidth>(sim, absl::StrCat(name, "/state"), rate);
  }
}

ObjectId TaskManager::Upload(Bytes size, Completion<bool> done) {
  const uint32_t waiting = waiting_.Add(done);
  if (rate_ != nullptr) {
    rate_->Start(size, [this, waiting] { Ended(waiting, true); });
    return ObjectId();
  }
  const ObjectId file = storage_.store->NewObject(prefix_);
  writer_->Write(file, size, ObjectCause::kOther, [this, waiting](ObjectResult result) {
    Ended(waiting, result == ObjectResult::kOk);
  });
  return file;
}

void TaskManager::Download(ObjectId file, Bytes size, Completion<bool> done) {
  const uint32_t waiting = waiting_.Add(done);
  if (rate_ != nullptr) {
    rate_->Start(size, [this, waiting] { Ended(waiting, true); });
    return;
  }
  client_->Get(file, Bytes(0), size, ObjectCause::kRecovery, [this, waiting](ObjectResult result) {
    Ended(waiting, result == ObjectResult::kOk);
  });
}

void TaskManager::Delete(ObjectId file) {
  if (client_ != nullptr) client_->Delete(file, ObjectCause::kOther, [](ObjectResult) {});
}

void TaskManager::Ended(uint32_t waiting, bool ok) { waiting_.Take(waiting)(ok); }

void TaskManager::DropAll() {
  doomed_ = false;
  cpu_->DropAll();
  waiting_ = Pool<Completion<bool>>();
  if (rate_ != nullptr) {
    rate_->CancelAll();
  } else {
    writer_->DropAll();
    client_->DropAll();
  }
}

void TaskManager::SetUp(bool up) {
  if (up == up_) return;
  up_ = up;
  if (!up) DropAll();
}

}  // namespace freshet
