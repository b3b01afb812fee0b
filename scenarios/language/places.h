// Where each part of a message was written: a tree beside the message, of the same shape.
//
// It outlives merging: after includes, variants and overrides each field still knows the file and
// the line that gave it its present value. A field that nobody wrote (a default) has no entry, and
// a look-up falls back to the nearest enclosing element that has one.
#ifndef FRESHET_SCENARIOS_LANGUAGE_PLACES_H_
#define FRESHET_SCENARIOS_LANGUAGE_PLACES_H_

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <map>
#include <string>
#include <vector>

#include "scenarios/language/problem.h"

namespace freshet {

struct Places {
  Place place;  // Where the field's name begins.
  Place end;    // Behind the value; for a block, behind its closing brace.
  std::map<std::string, std::vector<Places>> fields;  // By field name; singular fields have one.

  // The entry of a field, or this one when nobody wrote the field.
  const Places& In(const std::string& field, size_t index = 0) const;
  bool Has(const std::string& field) const { return fields.count(field) > 0; }
};

// Whether one of `points` lies inside the text of `block`.
bool AnyWithin(const std::vector<Place>& points, const Places& block);

// The entries of the tree, this one included: how much somebody has written.
size_t CountPlaces(const Places& places);

// From what the text parser recorded. REQUIRES: `tree` was recorded while `message` was parsed.
Places PlacesOf(const google::protobuf::Message& message,
                const google::protobuf::TextFormat::ParseInfoTree& tree, int file);

// Merges `over` into `base`, field by field: a value replaces a value, a list replaces a list, a
// message merges into a message, and another member of a oneof replaces the one before.
void Overlay(const google::protobuf::Message& over, const Places& over_places,
             google::protobuf::Message* base, Places* base_places);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_PLACES_H_
