#include "scenarios/language/variants.h"

#include <google/protobuf/repeated_field.h>

namespace freshet {

using v1::Scenario;
using v1::Variant;
namespace {

// Lays the elements of one list over those of the same name. Faults may lack a name: they are
// added.
template <typename Element>
void OverlayByName(const std::string& field,
                   const google::protobuf::RepeatedPtrField<Element>& over,
                   const Places& over_places, google::protobuf::RepeatedPtrField<Element>* base,
                   Places* base_places) {
  for (int i = 0; i < over.size(); ++i) {
    const Places& written = over_places.In(field, i);
    Element* target = nullptr;
    size_t index = 0;
    for (Element& candidate : *base) {
      if (!over[i].name().empty() && candidate.name() == over[i].name()) {
        target = &candidate;
        break;
      }
      ++index;
    }
    std::vector<Places>& list = base_places->fields[field];
    list.resize(base->size());
    if (target == nullptr) {
      *base->Add() = over[i];
      list.push_back(written);
    } else {
      Overlay(over[i], written, target, &list[index]);
    }
  }
}

}  // namespace

std::vector<ExpandedVariant> ExpandVariants(const Scenario& scenario, const Places& places) {
  ExpandedVariant base{"", scenario, places};
  base.scenario.clear_variant();
  base.places.fields.erase("variant");
  if (scenario.variant().empty()) return {base};

  std::vector<ExpandedVariant> expanded;
  for (int i = 0; i < scenario.variant_size(); ++i) {
    const Variant& variant = scenario.variant(i);
    const Places& written = places.In("variant", i);
    ExpandedVariant one = base;
    one.name = variant.name();
    OverlayByName("topic", variant.topic(), written, one.scenario.mutable_topic(), &one.places);
    OverlayByName("component", variant.component(), written, one.scenario.mutable_component(),
                  &one.places);
    OverlayByName("fault", variant.fault(), written, one.scenario.mutable_fault(), &one.places);
    OverlayByName("operation", variant.operation(), written, one.scenario.mutable_operation(),
                  &one.places);
    const auto overlay = [&](const char* field, const auto& over, auto* base_field) {
      std::vector<Places>& places_of = one.places.fields[field];
      if (places_of.empty()) places_of.push_back(written.In(field));
      Overlay(over, written.In(field), base_field, &places_of.front());
    };
    if (variant.has_network()) {
      overlay("network", variant.network(), one.scenario.mutable_network());
    }
    if (variant.has_resolution()) {
      overlay("resolution", variant.resolution(), one.scenario.mutable_resolution());
    }
    expanded.push_back(std::move(one));
  }
  return expanded;
}

}  // namespace freshet
