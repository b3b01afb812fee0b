#include "scenarios/language/defaults.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>
#include <xxhash.h>  // tidy: allowed, because the content address is the scenario's own name

#include <vector>

#include "absl/strings/str_format.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/quantity.h"
#include "sim/check.h"

namespace freshet {

using v1::Component;
using v1::Producers;
using v1::Scenario;
using v1::Variant;
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

void SetDefault(const FieldDescriptor* field, const std::string& text, Message* message) {
  const Reflection* reflection = message->GetReflection();
  bool understood = true;
  if (field->is_repeated()) {
    reflection->AddString(message, field, text);
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    reflection->SetString(message, field, text);
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    // "{ poisson {} }": the braces are the author's, the parser wants what is between them.
    understood =
        text.size() >= 2 && TextFormat::ParseFromString(text.substr(1, text.size() - 2),
                                                        reflection->MutableMessage(message, field));
  } else {
    TextFormat::Parser parser;
    understood = parser.ParseFieldValueFromString(text, field, message);
  }
  SIM_CHECK(understood, "contract", "the default of " + field->full_name() + " does not parse");
}

void Fill(const std::string& version, Message* message) {
  const Reflection* reflection = message->GetReflection();
  const google::protobuf::Descriptor* type = message->GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->message_type() == Variant::descriptor()) continue;
    const bool is_set = field->is_repeated() ? reflection->FieldSize(*message, field) > 0
                                             : reflection->HasField(*message, field);
    const std::string& text = DefaultOf(*field, version);
    if (!is_set && !text.empty()) SetDefault(field, text, message);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field->is_repeated()) {
      for (int k = 0; k < reflection->FieldSize(*message, field); ++k) {
        Fill(version, reflection->MutableRepeatedMessage(message, field, k));
      }
    } else if (reflection->HasField(*message, field)) {
      Fill(version, reflection->MutableMessage(message, field));
    }
  }
}

// Kafka turns idempotence off by itself when it was not asked for and cannot work. Since 4.0 too
// many requests in flight are refused instead, so there the conflict stays for the validator.
bool SwitchesIdempotenceOff(const Producers& producers, const std::string& version) {
  const bool no_acks = producers.acks() == Producers::LEADER || producers.acks() == Producers::NONE;
  const bool no_retries = producers.has_retries() && producers.retries() == 0;
  const bool too_many =
      version != "4.0" && producers.has_max_in_flight() && producers.max_in_flight() > 5;
  return !producers.has_idempotence() && (no_acks || no_retries || too_many);
}

// Defaults that hang on what the author wrote. Before the others are filled in.
void FillFromWishes(const std::string& version, Component* component) {
  if (component->has_consumers() && component->consumers().group().empty()) {
    component->mutable_consumers()->set_group(component->name());
  }
  if (component->has_consumers() &&
      component->consumers().assignor() == v1::Consumers::ASSIGNOR_UNSPECIFIED) {
    const bool by_broker = component->consumers().group_protocol() == v1::Consumers::CONSUMER;
    component->mutable_consumers()->set_assignor(by_broker ? v1::Consumers::UNIFORM
                                                           : v1::Consumers::RANGE);
  }
  if (!component->has_producers()) return;
  Producers* producers = component->mutable_producers();
  if (SwitchesIdempotenceOff(*producers, version)) producers->set_idempotence(false);
  if (producers->partitioner() == Producers::PARTITIONER_UNSPECIFIED) {
    const bool keyed = producers->has_keys() && !producers->keys().has_none();
    producers->set_partitioner(keyed ? Producers::KEYED : Producers::STICKY);
  }
}

// Kafka stretches a delivery timeout that was not asked for over linger and request timeout.
void StretchDeliveryTimeout(Producers* producers) {
  const absl::StatusOr<Duration> delivery = ParseDuration(producers->delivery_timeout());
  const absl::StatusOr<Quantity> linger = ParseQuantity(UNIT_DURATION, producers->linger());
  const absl::StatusOr<Quantity> request =
      ParseQuantity(UNIT_DURATION, producers->request_timeout());
  int64_t least;
  if (!delivery.ok() || !linger.ok() || !request.ok() ||
      __builtin_add_overflow(linger->amount, request->amount, &least) ||
      delivery->nanos() >= least) {
    return;
  }
  producers->set_delivery_timeout(ToText(Nanoseconds(least)));
}

// Rewrites quantities into their shortest form, so that "1000ms" and "1s" are one text. Text that
// is no quantity stays: the validator has told about it.
void Shorten(Unit holder, Message* message) {
  const Reflection* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> given;
  reflection->ListFields(*message, &given);
  for (const FieldDescriptor* field : given) {
    const Unit stated = FactsOf(*field).unit();
    const Unit unit = stated == UNIT_VALUE || stated == UNIT_UNSPECIFIED ? holder : stated;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const int count = field->is_repeated() ? reflection->FieldSize(*message, field) : 1;
      for (int k = 0; k < count; ++k) {
        Shorten(unit, field->is_repeated() ? reflection->MutableRepeatedMessage(message, field, k)
                                           : reflection->MutableMessage(message, field));
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated() &&
               stated != UNIT_UNSPECIFIED && IsQuantity(unit)) {
      const absl::StatusOr<Quantity> quantity =
          ParseQuantity(unit, reflection->GetString(*message, field));
      if (quantity.ok()) reflection->SetString(message, field, ToText(*quantity));
    }
  }
}

}  // namespace

void ApplyDefaults(Scenario* scenario) {
  if (scenario->kafka_version().empty()) {
    scenario->set_kafka_version(
        FactsOf(*Scenario::descriptor()->FindFieldByName("kafka_version")).default_value());
  }
  std::vector<Producers*> unbounded;
  for (Component& component : *scenario->mutable_component()) {
    FillFromWishes(scenario->kafka_version(), &component);
    if (component.has_producers() && component.producers().delivery_timeout().empty()) {
      unbounded.push_back(component.mutable_producers());
    }
  }
  Fill(scenario->kafka_version(), scenario);
  for (Producers* producers : unbounded) StretchDeliveryTimeout(producers);
}

std::string CanonicalText(const Scenario& scenario) {
  Scenario canonical = scenario;
  canonical.clear_variant();
  canonical.clear_include();
  ApplyDefaults(&canonical);
  Shorten(UNIT_UNSPECIFIED, &canonical);
  TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  printer.PrintToString(canonical, &text);
  return text;
}

std::string ContentAddress(const Scenario& scenario) {
  const std::string text = CanonicalText(scenario);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return absl::StrFormat("%016x%016x", hash.high64, hash.low64);
}

}  // namespace freshet
