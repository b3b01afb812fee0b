// What a producer's serializer does before it sends: it asks the registry for the number of a
// version that it has not used yet, and keeps what it is told.
#include <algorithm>

#include "models/client/producer.h"

namespace freshet {
namespace {

// A send() that got no answer from the registry has thrown; another one asks again so soon.
constexpr Duration kAskAgain = Seconds(1);

}  // namespace

// --- One client ---

void Producer::UseVersion(int32_t version) {
  version_before_ = version_;
  version_ = version;
  if (std::find(known_versions_.begin(), known_versions_.end(), version) != known_versions_.end()) {
    Answered(version, RegistryAnswer::kRegistered);
    return;
  }
  SetSerializer(Serializer::kAsks);
  AskRegistry();
}

void Producer::Deploy(uint32_t deployment, int32_t version) {
  deployment_ = deployment;
  UseVersion(version);
}

void Producer::AskRegistry() {
  const Producers::Config::SchemaUse& use = *fleet_->config_.schema;
  use.registry->Ask(
      use.subject, version_, use.auto_register,
      [this, version = version_](RegistryAnswer answer) { Answered(version, answer); });
}

void Producer::Answered(int32_t version, RegistryAnswer answer) {
  if (version != version_) return;  // It has got another release meanwhile.
  bool refused = false;
  switch (answer) {
    case RegistryAnswer::kRegistered:
      if (std::find(known_versions_.begin(), known_versions_.end(), version) ==
          known_versions_.end()) {
        known_versions_.push_back(version);
      }
      marker_->SetSchemaVersion(version);
      SetSerializer(Serializer::kReady);
      break;
    case RegistryAnswer::kUnavailable:
      SetSerializer(Serializer::kThrows);
      fleet_->After<"producer.ask_registry">(kAskAgain, [this, version] {
        if (version == version_ && serializer_ == Serializer::kThrows) AskRegistry();
      });
      return;
    case RegistryAnswer::kIncompatible:
    case RegistryAnswer::kNotFound:
      refused = true;
      if (fleet_->deployment_ && fleet_->deployment_->rolls_back && version_before_ != 0) {
        version_ = version_before_;
        fleet_->rolled_back_->Add(1);
        SetSerializer(Serializer::kReady);
      } else {
        SetSerializer(Serializer::kThrows);
      }
      break;
  }
  if (deployment_ == 0) return;
  const uint32_t ended = deployment_;
  deployment_ = 0;
  fleet_->Deployed(ended, refused);
}

void Producer::SetSerializer(Serializer to) {
  if (serializer_ == to) return;
  if (serializer_ == Serializer::kReady) fleet_->without_schema_->Add(1);
  if (to == Serializer::kReady) fleet_->without_schema_->Add(-1);
  // What came while send() threw has failed.
  for (const size_t lane : blocked_lanes_) {
    if (serializer_ == Serializer::kThrows && Now() > Time()) {
      fleet_->unserialized_->Add(lanes_[lane].accumulator->Refuse(Now()));
    }
  }
  serializer_ = to;
  if (to == Serializer::kReady) {
    Resume();
    return;
  }
  for (const size_t lane : blocked_lanes_) {
    if (to != Serializer::kThrows) break;
    fleet_->sim().Cancel(lanes_[lane].timer);
    GiveUpBlocked(lane);
  }
}

// --- The fleet ---

void Producers::Deploy(int32_t version, Duration interval, bool rolls_back, Callback done) {
  SIM_REQUIRE(config_.schema);
  Callback before;
  if (deployment_) before = deployment_->done;
  deployment_ = Deployment{++deployments_, version, interval, rolls_back, done};
  if (before) before();
  DeployNext(deployments_);
}

void Producers::DeployNext(uint32_t number) {
  if (!deployment_ || deployment_->number != number || deployment_->stopped) return;
  Deployment& now = *deployment_;
  Producer& client = *clients_[now.begun++];
  if (now.begun < clients_.size()) {
    After<"producer.deploy">(now.interval, [this, number] { DeployNext(number); });
  }
  client.Deploy(number, now.version);
}

void Producers::Deployed(uint32_t number, bool refused) {
  if (!deployment_ || deployment_->number != number) return;
  Deployment& now = *deployment_;
  ++now.ended;
  now.stopped = now.stopped || (refused && now.rolls_back);
  const bool over = now.ended == now.begun && (now.stopped || now.begun == clients_.size());
  if (!over) return;
  Callback done = now.done;
  deployment_.reset();
  done();
}

}  // namespace freshet
