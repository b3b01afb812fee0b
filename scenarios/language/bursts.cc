#include "scenarios/language/bursts.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/catalogue.h"

namespace freshet {

using v1::InstanceType;
using v1::Kafka;
using v1::Scenario;
using v1::Volume;
using v1::VolumeType;
namespace {

// A figure of the text: its field, what it says, and how much that is.
struct Figure {
  const char* field;
  std::string text;
  std::optional<int64_t> amount;
};

Figure RateFigure(const char* field, const std::string& text) {
  return {field, text, AmountOf(UNIT_BYTES_PER_SECOND, text)};
}

Figure BytesFigure(const char* field, const std::string& text) {
  return {field, text, AmountOf(UNIT_BYTES, text)};
}

Figure CountFigure(const char* field, uint64_t count) {
  if (count == 0) return {field, "", std::nullopt};
  return {field, absl::StrCat(count), static_cast<int64_t>(count)};
}

std::string Said(const Figure& figure) { return absl::StrCat(figure.field, " ", figure.text); }

// Where a row and a component meet, the field that the author wrote is the one to point at.
Place PlaceOf(const Figure& figure, const Figure& other, const Places& here) {
  return here.In(here.Has(figure.field) ? figure.field : other.field).place;
}

// What has to fit together wherever it stands. What a component has from its row alone was judged
// there.
void CheckFits(const Figure& baseline, const Figure& burst, const Figure& credits,
               const Places& here, Findings* findings) {
  const bool rate_written = here.Has(baseline.field) || here.Has(burst.field);
  if (rate_written && burst.amount && baseline.amount && *burst.amount < *baseline.amount) {
    findings->Error(PlaceOf(burst, baseline, here),
                    absl::StrCat(Said(burst), " is below ", Said(baseline),
                                 "; a burst is at least what always holds"));
  }
  if (here.Has(credits.field) && credits.amount && burst.text.empty() && !here.Has(burst.field)) {
    findings->Error(here.In(credits.field).place,
                    absl::StrCat(Said(credits), " without a burst is never spent; state ",
                                 burst.field, " or leave it out"));
  }
}

// A row may know a burst and not the rest, so that the baseline alone holds. An author who writes a
// burst waits for it.
void CheckComponent(const Figure& baseline, const Figure& burst, const Figure& credits,
                    const Places& here, Findings* findings) {
  CheckFits(baseline, burst, credits, here, findings);
  if (!here.Has(burst.field) || !burst.amount) return;
  const Figure& missing = baseline.text.empty() ? baseline : credits;
  if (!missing.text.empty() || here.Has(missing.field)) return;
  findings->Error(
      here.In(burst.field).place,
      absl::StrCat(Said(burst), " would never hold without ", missing.field, "; state it"));
}

void CheckAtStart(const Figure& credits, const Figure& at_start, const Places& here,
                  Findings* findings) {
  if (!at_start.amount) return;
  if (credits.text.empty()) {
    findings->Error(here.In(at_start.field).place,
                    absl::StrCat(Said(at_start), " has no bucket; state ", credits.field));
  } else if (credits.amount && *at_start.amount > *credits.amount) {
    findings->Error(PlaceOf(at_start, credits, here),
                    absl::StrCat(Said(at_start), " is more than ", Said(credits),
                                 ", the whole bucket; lower it"));
  }
}

void CheckVolume(const Volume& volume, const Places& here, Findings* findings) {
  CheckComponent(RateFigure("bandwidth", volume.bandwidth()),
                 RateFigure("bandwidth_burst", volume.bandwidth_burst()),
                 BytesFigure("bandwidth_credits", volume.bandwidth_credits()), here, findings);
  CheckComponent(CountFigure("iops", volume.iops()), CountFigure("iops_burst", volume.iops_burst()),
                 CountFigure("iops_credits", volume.iops_credits()), here, findings);
}

void CheckKafka(const Kafka& kafka, const Places& here, Findings* findings) {
  const Figure network_credits = BytesFigure("network_credits", kafka.network_credits());
  CheckComponent(RateFigure("network_bandwidth", kafka.network_bandwidth()),
                 RateFigure("network_burst", kafka.network_burst()), network_credits, here,
                 findings);
  CheckAtStart(network_credits,
               BytesFigure("network_credits_at_start", kafka.network_credits_at_start()), here,
               findings);
  const Figure path_credits = BytesFigure("volume_path_credits", kafka.volume_path_credits());
  CheckComponent(RateFigure("volume_path_baseline", kafka.volume_path_baseline()),
                 RateFigure("volume_path_burst", kafka.volume_path_burst()), path_credits, here,
                 findings);
  CheckAtStart(path_credits,
               BytesFigure("volume_path_credits_at_start", kafka.volume_path_credits_at_start()),
               here, findings);
  CheckVolume(kafka.volume(), here.In("volume"), findings);
  const Volume::Kind kind = kafka.volume().kind();
  if (here.Has("volume_path_baseline") && kind != Volume::KIND_UNSPECIFIED &&
      !IsNetworkVolume(kind)) {
    findings->Warning(
        here.In("volume_path_baseline").place,
        absl::StrCat("volume_path_baseline changes nothing: volumes of kind ",
                     Volume::Kind_Name(kind), " do not use the path; is that meant?"));
  }
}

}  // namespace

void CheckBurstsOfRows(const Scenario& scenario, const Places& places, Findings* findings) {
  for (int i = 0; i < scenario.instance_type_size(); ++i) {
    const InstanceType& row = scenario.instance_type(i);
    const Places& here = places.In("instance_type", i);
    CheckFits(RateFigure("network_baseline", row.network_baseline()),
              RateFigure("network_burst", row.network_burst()),
              BytesFigure("network_credits", row.network_credits()), here, findings);
    CheckFits(RateFigure("volume_path_baseline", row.volume_path_baseline()),
              RateFigure("volume_path_burst", row.volume_path_burst()),
              BytesFigure("volume_path_credits", row.volume_path_credits()), here, findings);
  }
  for (int i = 0; i < scenario.volume_type_size(); ++i) {
    const VolumeType& row = scenario.volume_type(i);
    const Places& here = places.In("volume_type", i);
    CheckFits(RateFigure("bandwidth", row.bandwidth()),
              RateFigure("bandwidth_burst", row.bandwidth_burst()),
              BytesFigure("bandwidth_credits", row.bandwidth_credits()), here, findings);
    CheckFits(CountFigure("iops", row.iops()), CountFigure("iops_burst", row.iops_burst()),
              CountFigure("iops_credits", row.iops_credits()), here, findings);
  }
}

void CheckBurstsOfComponents(const Scenario& scenario, const Places& places, Findings* findings) {
  for (int i = 0; i < scenario.component_size(); ++i) {
    const v1::Component& component = scenario.component(i);
    const Places& here = places.In("component", i);
    if (component.has_kafka()) CheckKafka(component.kafka(), here.In("kafka"), findings);
    if (component.has_s3stream()) {
      CheckVolume(component.s3stream().wal().volume(), here.In("s3stream").In("wal").In("volume"),
                  findings);
    }
  }
}

}  // namespace freshet
