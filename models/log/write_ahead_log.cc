#include "models/log/write_ahead_log.h"

#include "absl/strings/str_cat.h"

namespace freshet {

WriteAheadLog::WriteAheadLog(Simulation& sim, absl::string_view name)
    : Component(sim, name),
      bytes_(AddCounter(kBytes)),
      writes_(AddCounter(kWrites)),
      unflushed_(AddGauge(kUnflushed)),
      held_(AddGauge(kHeld)),
      over_capacity_(AddCounter(kOverCapacity)) {
  sim.AddAudit([this] { Audit(); });
}

void WriteAheadLog::NoteAppended(Bytes size) {
  SIM_REQUIRE(size > Bytes(0) && !fenced_);
  end_ += size.count();
  ShowLevels();
}

void WriteAheadLog::AdvanceDurable(int64_t position) {
  SIM_REQUIRE(position > durable_ && position <= end_);
  bytes_.Add(position - durable_);
  durable_ = position;
  ShowLevels();
  on_durable_();
}

void WriteAheadLog::AdvanceTrimmed(int64_t position) {
  SIM_REQUIRE(position >= trimmed_ && position <= durable_);
  trimmed_ = position;
  ShowLevels();
}

void WriteAheadLog::LoseUnflushed() {
  end_ = durable_;
  ShowLevels();
}

void WriteAheadLog::StartFrom(int64_t position) {
  SIM_REQUIRE(position >= durable_);
  trimmed_ = durable_ = end_ = position;
  fenced_ = false;
  ShowLevels();
}

void WriteAheadLog::Fence() {
  if (fenced_) return;
  fenced_ = true;
  on_fenced_();
}

WriteAheadLog::Answer WriteAheadLog::TurnAway() {
  over_capacity_.Add(1);
  return Answer::kOverCapacity;
}

void WriteAheadLog::ShowLevels() {
  unflushed_.Set(end_ - durable_);
  held_.Set(durable_ - trimmed_);
}

void WriteAheadLog::Audit() const {
  SIM_CHECK(trimmed_ <= durable_ && durable_ <= end_, "inv.I13",
            absl::StrCat(name(), ": trimmed to ", trimmed_, ", durable to ", durable_, ", end at ",
                         end_));
}

}  // namespace freshet
