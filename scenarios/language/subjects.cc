#include "scenarios/language/subjects.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::SchemaRegistry;

const SchemaRegistry::Subject* FindSubject(const v1::Scenario& scenario,
                                           const std::string& registry, const std::string& subject,
                                           const Places* here, Findings* findings) {
  const v1::Component* component = FindComponent(scenario, registry);
  if (component == nullptr) return nullptr;  // Told with the references.
  for (const SchemaRegistry::Subject& each : component->schema_registry().subject()) {
    if (each.name() == subject) return &each;
  }
  if (here == nullptr) return nullptr;
  if (!component->has_schema_registry()) {
    findings->Error(here->In("registry").place,
                    absl::StrCat(Quoted(registry),
                                 " is no registry; name a component { schema_registry { ... } }"));
  } else {
    findings->Error(here->In("subject").place,
                    absl::StrCat(Quoted(registry), " has no subject ", Quoted(subject),
                                 "; add it there, or name another one"));
  }
  return nullptr;
}

void CheckVersion(const SchemaRegistry::Subject& subject, uint32_t version, const Places& here,
                  Findings* findings) {
  const bool known = std::any_of(
      subject.version().begin(), subject.version().end(),
      [version](const SchemaRegistry::Version& each) { return each.number() == version; });
  if (known || version == 0) return;
  findings->Error(here.In("version").place,
                  absl::StrCat("subject ", Quoted(subject.name()), " has no version ", version,
                               "; state it in the registry"));
}

}  // namespace freshet
