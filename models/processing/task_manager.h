// A task manager: a process on a host with cores, whose slots run the subtasks of a job; and the
// way of their state to where checkpoints are kept.
#ifndef FRESHET_MODELS_PROCESSING_TASK_MANAGER_H_
#define FRESHET_MODELS_PROCESSING_TASK_MANAGER_H_

#include <memory>

#include "models/network/network.h"
#include "models/processing/job_config.h"
#include "models/storage/object_writer.h"
#include "sim/bandwidth.h"
#include "sim/component.h"
#include "sim/pool.h"
#include "sim/station.h"

namespace freshet {

class TaskManager : public Component {
 public:
  TaskManager(Simulation& sim, absl::string_view name, Network* network,
              const TaskManagerConfig& config, const StateStorageConfig& storage, PrefixId prefix);

  HostId host() const { return host_; }
  Station& cpu() { return *cpu_; }
  bool up() const { return up_; }

  // A file of a checkpoint. `done(ok)` fires once, never re-entrantly, unless DropAll() comes
  // first. Its number is 0 where nothing keeps files apart.
  ObjectId Upload(Bytes size, Completion<bool> done);
  void Download(ObjectId file, Bytes size, Completion<bool> done);
  void Delete(ObjectId file);

  // The state of its subtasks, all in all, as they tell it: by so much more, or less.
  void HoldState(Bytes more) { held_state_ += more; }
  Bytes held_state() const { return held_state_; }
  // It has run out of memory, and is about to die of it.
  void Doom() { doomed_ = true; }
  bool doomed() const { return doomed_; }

  // Its tasks are cancelled.
  void DropAll();
  void SetUp(bool up);

 private:
  void Ended(uint32_t waiting, bool ok);

  const StateStorageConfig storage_;
  const PrefixId prefix_;
  const HostId host_;
  std::unique_ptr<Station> cpu_;
  std::unique_ptr<ObjectClient> client_;
  std::unique_ptr<ObjectWriter> writer_;
  std::unique_ptr<Bandwidth> rate_;
  Pool<Completion<bool>> waiting_;
  Bytes held_state_;
  bool doomed_ = false;  // Until its tasks are cancelled, or it is down.
  bool up_ = true;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_TASK_MANAGER_H_
