#include "scenarios/language/laws.h"

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

using v1::Distribution;
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int64_t kOne = 1'000'000'000;  // A ratio is in billionths.

void CheckPareto(const Distribution::Pareto& pareto, const Places& here, Findings* findings) {
  const auto alpha = AmountOf(UNIT_RATIO, pareto.alpha());
  if (!alpha) return;
  const Place place = here.In("alpha").place;
  if (*alpha <= kOne) {
    findings->Error(place, absl::StrCat("pareto.alpha ", pareto.alpha(),
                                        " has an infinite mean; write a value above 1"));
  } else if (*alpha <= 2 * kOne) {
    findings->Warning(place, absl::StrCat("pareto.alpha ", pareto.alpha(),
                                          " has an infinite variance, and so an infinite mean wait "
                                          "behind a queue; is that meant?"));
  } else if (*alpha <= 3 * kOne) {
    findings->Warning(place, absl::StrCat("pareto.alpha ", pareto.alpha(),
                                          ": the mean has no valid interval; report percentiles"));
  }
}

template <typename List>
void CheckWeights(const List& list, const char* what, Place place, Findings* findings) {
  for (const auto& element : list) {
    if (AmountOf(UNIT_RATIO, element.weight()).value_or(1) > 0) return;
  }
  if (!list.empty()) {
    findings->Error(
        place, absl::StrCat("all weights of the ", what, " are zero; give one of them a weight"));
  }
}

void CheckLaw(const Distribution& law, const Places& here, Findings* findings) {
  if (law.has_pareto()) CheckPareto(law.pareto(), here.In("pareto"), findings);
  if (law.has_uniform()) {
    const absl::StatusOr<Quantity> min = ParseQuantity(UNIT_VALUE, law.uniform().min());
    const absl::StatusOr<Quantity> max = ParseQuantity(UNIT_VALUE, law.uniform().max());
    if (min.ok() && max.ok() && min->unit == max->unit && min->amount > max->amount) {
      findings->Error(here.In("uniform").In("min").place,
                      absl::StrCat("uniform.min ", law.uniform().min(), " is above max ",
                                   law.uniform().max(), "; swap them"));
    }
  }
  if (law.has_mixture()) {
    CheckWeights(law.mixture().part(), "mixture", here.In("mixture").place, findings);
  }
  if (law.has_empirical()) {
    CheckWeights(law.empirical().point(), "empirical law", here.In("empirical").place, findings);
  }
}

}  // namespace

void CheckLaws(const Message& message, const Places& places, Findings* findings) {
  if (message.GetDescriptor() == Distribution::descriptor()) {
    CheckLaw(static_cast<const Distribution&>(message), places, findings);
  }
  const Reflection* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> given;
  reflection->ListFields(message, &given);
  for (const FieldDescriptor* field : given) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      CheckLaws(field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                     : reflection->GetMessage(message, field),
                places.In(field->name(), i), findings);
    }
  }
}

}  // namespace freshet
