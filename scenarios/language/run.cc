#include "scenarios/language/run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "results/bill.h"
#include "results/run_summary.h"
#include "results/verdict.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/defaults.h"
#include "scenarios/language/feed_contract.h"
#include "scenarios/language/hanging.h"
#include "scenarios/language/meters.h"
#include "scenarios/language/price_book.h"
#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

// Between looks at the clock and at interrupts: some hundredths of a second of work.
constexpr uint64_t kSliceEvents = 200'000;

RecordLevel LevelOf(v1::Scenario::RecordingLevel level) {
  switch (level) {
    case v1::Scenario::OFF:
      return RecordLevel::kOff;
    case v1::Scenario::SPANS:
      return RecordLevel::kSpans;
    case v1::Scenario::REQUESTS:
      return RecordLevel::kRequests;
    default:
      return RecordLevel::kState;
  }
}

RunRecordHeader HeaderOf(const v1::Scenario& scenario, const RunOptions& options) {
  RunRecordHeader header;
  header.set_scenario(scenario.name());
  header.set_variant(options.variant);
  header.set_seed(scenario.seed());
  header.set_scenario_text(CanonicalText(scenario));
  header.set_scenario_address(ContentAddress(scenario));
  header.set_kafka_version(scenario.kafka_version());
  header.set_recording_level(
      static_cast<RunRecordHeader::RecordingLevel>(LevelOf(scenario.recording())));
  header.set_model_revision(kModelRevision);
  return header;
}

absl::StatusOr<std::vector<ResolvedObjective>> ResolveObjectives(const v1::Scenario& scenario) {
  std::vector<ResolvedObjective> resolved;
  std::vector<Objective> all;
  for (const Objective& objective : scenario.objective()) {
    for (Objective& clause : ClausesOf(objective)) all.push_back(std::move(clause));
  }
  for (const Objective& objective : all) {
    const std::string& bound =
        objective.at_most().empty() ? objective.at_least() : objective.at_most();
    absl::StatusOr<Quantity> quantity = ParseQuantity(UNIT_VALUE, bound);
    if (!quantity.ok()) return quantity.status();
    ResolvedObjective added;
    added.text = objective;
    added.bound = quantity->amount;
    if (quantity->unit == UNIT_RATE) {
      // Judged in whole things per second; the parser counts in millionths.
      added.per_second = true;
      added.bound = (quantity->amount + 500'000) / 1'000'000;
    }
    if (quantity->unit == UNIT_BYTES_PER_SECOND) added.per_second = true;
    resolved.push_back(added);
  }
  return resolved;
}

// The scenario's price book; nothing when it names none.
absl::StatusOr<std::optional<ResolvedPriceBook>> BookOf(const v1::Scenario& scenario,
                                                        const std::string& root) {
  if (scenario.price_book().empty()) return std::nullopt;
  const absl::StatusOr<std::string> path = PriceBookPath(root, scenario.price_book());
  if (!path.ok()) return path.status();
  absl::StatusOr<PriceBookResult> loaded = LoadPriceBook(*path);
  if (!loaded.ok()) return loaded.status();
  if (!loaded->ok()) {
    return absl::InvalidArgumentError(absl::StripSuffix(Report(loaded->problems), "\n"));
  }
  if (absl::Status fits = CheckUnits(loaded->book, KnownMetrics()); !fits.ok()) return fits;
  return std::move(loaded->book);
}

// What parcels may add: the batches of a parcel go through each stage together, so one batch waits
// for the service of the others. Added up over the stages of the way, without queueing.
std::string ResolutionNote(const v1::Scenario& scenario, const Pipeline& pipeline) {
  const int64_t batches = scenario.resolution().batches_per_parcel();
  if (batches <= 1) return "";
  Duration worst = Duration::Zero();
  for (const v1::Component& component : scenario.component()) {
    if (!component.has_producers()) continue;
    const Bytes batch = BytesOf(component.producers().batch_size());
    const Broker& broker = pipeline.log->NodeAt(0);
    const BytesPerSecond card = pipeline.network->Outgoing(broker.host()).SustainedCapacity();
    // Three stages of processor work (append, read, replicate) and three hops of two cards each.
    worst = std::max(worst, broker.CpuTime(1, batch) * 3 + card.TimeFor(batch) * 6);
  }
  return absl::StrFormat(
      "%d batches a parcel: counts and bytes are those of single batches; a latency may be up to "
      "%.3g ms too long, beside queueing",
      batches, static_cast<double>((worst * (batches - 1)).nanos()) * 1e-6);
}

// How many events before --until-event are shown by --trace.
constexpr uint64_t kTracedEvents = 40;

void PrintEvent(const Simulation& sim, const Simulation::TracedEvent& event) {
  std::fprintf(
      stderr, "%20lld ns  event %llu  cause %llu  %s of %s\n",
      static_cast<long long>(event.at.nanos()), static_cast<unsigned long long>(event.sequence),
      static_cast<unsigned long long>(event.cause), event.type, sim.NameOf(event.owner).c_str());
}

absl::Status RunToEnd(Simulation& sim, Time end, const RunOptions& options, bool* interrupted) {
  const uint64_t trace_from =
      options.trace ? options.until_event - std::min(options.until_event, kTracedEvents)
                    : UINT64_MAX;
  while (true) {
    const uint64_t left = options.until_event - std::min(options.until_event, sim.EventsFired());
    if (left == 0) return absl::OkStatus();
    if (sim.EventsFired() >= trace_from) {
      sim.SetTracer([&sim](const Simulation::TracedEvent& event) { PrintEvent(sim, event); });
    }
    const uint64_t until_trace =
        sim.EventsFired() < trace_from ? trace_from - sim.EventsFired() : kSliceEvents;
    const Simulation::Stop stop = sim.RunUntil(end, std::min({left, kSliceEvents, until_trace}));
    if (options.on_progress) options.on_progress({sim.Now(), end, sim.EventsFired()});
    if (stop != Simulation::Stop::kEventLimit) return absl::OkStatus();
    if (options.interrupted != nullptr && options.interrupted->load()) {
      *interrupted = true;
      return absl::OkStatus();
    }
  }
}

}  // namespace

absl::StatusOr<RunOutcome> RunScenario(const v1::Scenario& scenario, const RunOptions& options) {
  absl::StatusOr<std::vector<ResolvedObjective>> objectives = ResolveObjectives(scenario);
  if (!objectives.ok()) return objectives.status();
  const absl::StatusOr<std::optional<ResolvedPriceBook>> book = BookOf(scenario, options.root);
  if (!book.ok()) return book.status();

  const RunRecordHeader header = HeaderOf(scenario, options);
  std::unique_ptr<RunRecordWriter> writer;
  if (!options.record_path.empty()) {
    auto created = RunRecordWriter::Create(options.record_path, header, options.overwrite);
    if (!created.ok()) return created.status();
    writer = *std::move(created);
  }
  Simulation sim(scenario.seed());
  const RecordLevel level = LevelOf(scenario.recording());
  sim.recorder().Configure(level, writer.get());
  sim.SetSeries(level != RecordLevel::kOff);
  sim.SetPeriodicAudits(options.periodic_audits);
  absl::StatusOr<std::unique_ptr<Pipeline>> pipeline = Assemble(scenario, options.root, sim);
  if (!pipeline.ok()) return pipeline.status();

  RunOutcome outcome;
  const auto started = std::chrono::steady_clock::now();  // For the reader; never for the run.
  const Time end = Time() + DurationOf(scenario.run_for());
  absl::Status ran = RunToEnd(sim, end, options, &outcome.interrupted);
  if (!ran.ok()) return ran;
  outcome.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  outcome.events = sim.EventsFired();
  outcome.stopped_early = !outcome.interrupted && sim.EventsFired() >= options.until_event;
  if (outcome.interrupted || outcome.stopped_early) {
    if (writer != nullptr) {
      absl::Status closed = writer->Interrupt();
      if (!closed.ok()) return closed;
    }
    return outcome;
  }

  std::vector<PhaseChange> phases;
  for (const FaultInjector::PhaseEntry& entry : (*pipeline)->faults->phases()) {
    phases.push_back({entry.at, entry.phase});
  }
  outcome.results = CollectResults(sim, phases, ResolutionNote(scenario, **pipeline));
  for (const auto& job : (*pipeline)->jobs) {
    CollectWaterfall(sim, job->name(), job->waterfall(), &outcome.results);
  }
  for (const auto& consumers : (*pipeline)->consumers) {
    CollectWaterfall(sim, consumers->name(), consumers->waterfall(), &outcome.results);
  }
  for (const auto& mirror : (*pipeline)->mirrors) {
    CollectWaterfall(sim, mirror->name(), mirror->waterfall(), &outcome.results);
  }
  for (const auto& [name, sink] : (*pipeline)->sinks) {
    CollectWaterfall(sim, name, sink->waterfall(), &outcome.results);
  }
  for (const auto& sink : (*pipeline)->topic_sinks) {
    CollectWaterfall(sim, sink->name(), sink->waterfall(), &outcome.results);
  }
  for (const FaultInjector::Effect& effect : (*pipeline)->faults->Effects()) {
    FaultEffect* row = outcome.results.metrics.add_fault();
    row->set_name(effect.plan.name);
    row->set_verb(std::string(NameOf(effect.plan.verb)));
    row->set_target(effect.plan.target);
    row->set_at_ns(effect.plan.at.nanos());
    row->set_lasts_ns(effect.plan.lasts.nanos());
    row->set_begun(effect.begun);
    row->set_touched(effect.touched);
    if (effect.Vacuous()) {
      outcome.vacuous_faults.push_back(absl::StrCat(row->verb(), " of ", row->target()));
    }
  }
  if ((*pipeline)->operations != nullptr) {
    for (const Operations::Outcome& done : (*pipeline)->operations->outcomes()) {
      OperationOutcome* row = outcome.results.metrics.add_operation();
      row->set_name(done.plan.name);
      row->set_kind(std::string(NameOf(done.plan.kind)));
      row->set_at_ns(done.plan.at.nanos());
      row->set_begun(done.begun);
      row->set_ended(done.ended.has_value());
      if (done.ended) row->set_ended_ns(done.ended->nanos());
      row->set_moves(done.moves);
      row->set_moves_done(done.moves_done);
    }
  }
  CollectHanging(scenario, sim, **pipeline, &outcome.results.metrics);
  *outcome.results.metrics.mutable_meters() = CollectMeters(scenario, **pipeline);
  if (book->has_value()) {
    absl::StatusOr<Bill> bill = BuildBill(**book, outcome.results, Window::kAfterWarmUp);
    if (!bill.ok()) return bill.status();
    *outcome.results.metrics.mutable_bill() = *std::move(bill);
  }
  absl::StatusOr<Verdict> verdict = Judge(*objectives, outcome.results);
  if (!verdict.ok()) return verdict.status();
  outcome.results.verdict = *std::move(verdict);
  outcome.exit_code = outcome.results.verdict.exit_code();
  if (!outcome.vacuous_faults.empty()) outcome.exit_code = std::max(outcome.exit_code, kExitMissed);
  outcome.summary = Summarise(header, outcome.results);

  if (writer != nullptr) {
    absl::Status written = writer->Finish(outcome.results);
    if (!written.ok()) return written;
    HostFacts host = ThisHost();
    host.wall_seconds = outcome.wall_seconds;
    host.events_per_second =
        outcome.wall_seconds > 0 ? static_cast<double>(outcome.events) / outcome.wall_seconds : 0;
    absl::Status beside = WriteHostSidecar(options.record_path, host);
    if (!beside.ok()) return beside;
  }
  return outcome;
}

}  // namespace freshet
