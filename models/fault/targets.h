// The handles that components offer to faults.
#ifndef FRESHET_MODELS_FAULT_TARGETS_H_
#define FRESHET_MODELS_FAULT_TARGETS_H_

#include <algorithm>

#include "models/broker/broker_cluster.h"
#include "models/broker/kafka_cluster.h"
#include "models/client/consumers.h"
#include "models/client/producers.h"
#include "models/fault/fault.h"
#include "models/network/network.h"

namespace freshet {

// "log/broker-1": down, and slow for its cores.
class BrokerTarget : public FaultTarget {
 public:
  BrokerTarget(BrokerCluster* cluster, BrokerId broker) : cluster_(cluster), broker_(broker) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override {
    Broker& node = cluster_->NodeAt(broker_);
    if (down && node.up()) {
      lost_ += cluster_->PartitionsOn(broker_);  // Before a design gives them to others.
      cluster_->CrashBroker(broker_);
    } else if (down) {
      cluster_->AbandonStart(broker_);
    } else if (!node.up()) {
      cluster_->RestartBroker(broker_);
    }
  }
  void SetSlow(Ratio factor) override {
    cluster_->NodeAt(broker_).cpu().SetSpeed(InverseOf(factor));
  }
  // Requests it took, and for each crash the partitions that it held.
  int64_t WorkTouched() const override {
    Broker& node = cluster_->NodeAt(broker_);
    return node.produce_requests().Value() + node.fetch_requests().Value() + lost_;
  }
  static Ratio InverseOf(Ratio factor) {
    constexpr int64_t kBillion = 1'000'000'000;
    return Ratio::FromBillionths(
        std::max<int64_t>(1, MulDivFloor(kBillion, kBillion, factor.billionths())));
  }

 private:
  BrokerCluster* cluster_;
  BrokerId broker_;
  int64_t lost_ = 0;
};

// "log/controller-1": down. Brokers go on serving; what has to be decided waits for the next one.
class ControllerTarget : public FaultTarget {
 public:
  ControllerTarget(BrokerCluster* cluster, int controller)
      : cluster_(cluster), controller_(controller) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override {
    KraftQuorum& controllers = *cluster_->Controllers();
    if (down && controllers.up(controller_)) {
      deposed_ += controllers.active() == controller_;
      controllers.Crash(controller_);
    } else if (!down && !controllers.up(controller_)) {
      controllers.Restart(controller_);
    }
  }
  // Decisions and elections that it had to take part in, and each time that it was the active one.
  int64_t WorkTouched() const override {
    const KraftQuorum& controllers = *cluster_->Controllers();
    return controllers.decisions() + controllers.candidacies() + deposed_;
  }

 private:
  BrokerCluster* cluster_;
  int controller_;
  int64_t deposed_ = 0;
};

// "log/broker-1/disk", all volumes of the broker: slow stretches their latencies, throttle caps the
// bandwidth of each, lose takes what is on them, and the broker down until they are replaced.
class DiskTarget : public FaultTarget {
 public:
  DiskTarget(KafkaCluster* cluster, BrokerId id)
      : cluster_(cluster),
        id_(id),
        broker_(&cluster->broker(id)),
        full_(broker_->volumes()[0]->bandwidth().capacity()) {}
  bool Understands(FaultVerb verb) const override { return verb != FaultVerb::kDown; }
  void SetSlow(Ratio factor) override {
    for (const auto& volume : broker_->volumes()) volume->SetLatencyFactor(factor);
  }
  void SetThrottle(BytesPerSecond cap) override {
    for (const auto& volume : broker_->volumes()) {
      volume->bandwidth().SetCapacity(std::min(full_, cap));
    }
  }
  void SetLost(bool lost) override {
    if (lost) {
      lost_bytes_ += broker_->SegmentBytes().count();
      cluster_->LoseDisk(id_);
    } else if (!broker_->up()) {
      cluster_->RestartBroker(id_);
    }
  }
  // Commands, and bytes that were lost.
  int64_t WorkTouched() const override {
    int64_t commands = lost_bytes_;
    for (const auto& volume : broker_->volumes()) commands += volume->commands();
    return commands;
  }

 private:
  KafkaCluster* cluster_;
  BrokerId id_;
  KafkaBroker* broker_;
  BytesPerSecond full_;
  int64_t lost_bytes_ = 0;
};

// "log/broker-1/nic", "shop/client-0/nic": throttle caps both directions.
class NicTarget : public FaultTarget {
 public:
  NicTarget(Network* network, HostId host)
      : network_(network), host_(host), full_(network->Outgoing(host).capacity()) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kThrottle; }
  void SetThrottle(BytesPerSecond cap) override {
    network_->Outgoing(host_).SetCapacity(std::min(full_, cap));
    network_->Incoming(host_).SetCapacity(std::min(full_, cap));
  }
  int64_t WorkTouched() const override {
    return network_->Outgoing(host_).done().count() + network_->Incoming(host_).done().count();
  }

 private:
  Network* network_;
  HostId host_;
  BytesPerSecond full_;
};

// "readers/member-1", of a group that subscribes: down, the process dies and another one starts at
// the end; slow, its thread.
class MemberTarget : public FaultTarget {
 public:
  MemberTarget(Consumers* consumers, int member) : consumers_(consumers), member_(member) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { consumers_->SetMemberDown(member_, down); }
  void SetSlow(Ratio factor) override {
    consumers_->SetMemberSpeed(member_, BrokerTarget::InverseOf(factor));
  }
  // Records it processed, and for each crash the partitions that it had.
  int64_t WorkTouched() const override { return consumers_->WorkOf(member_); }

 private:
  Consumers* consumers_;
  int member_;
};

// "readers/member-1/thread": down, the application hangs, and heartbeats go on.
class MemberThreadTarget : public FaultTarget {
 public:
  MemberThreadTarget(Consumers* consumers, int member) : consumers_(consumers), member_(member) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { consumers_->SetMemberHung(member_, down); }
  int64_t WorkTouched() const override { return consumers_->WorkOf(member_); }

 private:
  Consumers* consumers_;
  int member_;
};

// "shop/client-1", of producers with transactions: down, the process dies and another one starts at
// the end.
class ClientTarget : public FaultTarget {
 public:
  ClientTarget(Producers* producers, int client) : producers_(producers), client_(client) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { producers_->SetClientDown(client_, down); }
  int64_t WorkTouched() const override { return producers_->WorkOf(client_); }

 private:
  Producers* producers_;
  int client_;
};

// "shop/client-1/thread", of producers with transactions: down, the application hangs, in the
// middle of its transaction.
class ClientThreadTarget : public FaultTarget {
 public:
  ClientThreadTarget(Producers* producers, int client) : producers_(producers), client_(client) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { producers_->SetClientHung(client_, down); }
  int64_t WorkTouched() const override { return producers_->WorkOf(client_); }

 private:
  Producers* producers_;
  int client_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_TARGETS_H_
