// A component by its name.
#ifndef FRESHET_SCENARIOS_LANGUAGE_FIND_COMPONENT_H_
#define FRESHET_SCENARIOS_LANGUAGE_FIND_COMPONENT_H_

#include "absl/strings/string_view.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Null if there is none. The first, where a name is there twice: that is told elsewhere.
inline const v1::Component* FindComponent(const v1::Scenario& scenario, absl::string_view name) {
  for (const v1::Component& component : scenario.component()) {
    if (component.name() == name) return &component;
  }
  return nullptr;
}

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_FIND_COMPONENT_H_
