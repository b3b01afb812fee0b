#include <gtest/gtest.h>

#include <vector>

#include "models/schema/schema_registry.h"
#include "sim/simulation.h"
#include "tests/models/metrics.h"

namespace freshet {
namespace {

SchemaRegistry::Config Orders(Compatibility compatibility = Compatibility::kBackward) {
  SchemaRegistry::Config config;
  config.request_latency = Sampler::Constant(5e6);
  config.subjects = {{"orders-value",
                      SchemaFormat::kAvro,
                      compatibility,
                      {{1, {{"id", "int"}}}, {2, {{"id", "long"}}}, {3, {{"id", "string"}}}}}};
  return config;
}

struct Asked {
  RegistryAnswer answer = RegistryAnswer::kUnavailable;
  Time at;
  int times = 0;
};

void Ask(Simulation& sim, SchemaRegistry& registry, int32_t version, bool may_register,
         Asked* asked) {
  registry.Ask(0, version, may_register, [&sim, asked](RegistryAnswer answer) {
    *asked = {answer, sim.Now(), asked->times + 1};
  });
}

TEST(SchemaRegistryTest, RegistersWhatItsSubjectAllows) {
  Simulation sim(92);
  SchemaRegistry registry(sim, "registry", Orders());
  registry.BeginWith(0, 1);
  Asked known, wider, breaking, looked_up;
  Ask(sim, registry, 1, false, &known);
  Ask(sim, registry, 2, true, &wider);
  Ask(sim, registry, 3, true, &breaking);
  Ask(sim, registry, 3, false, &looked_up);
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_EQ(known.answer, RegistryAnswer::kRegistered);
  EXPECT_EQ(known.at, Time() + Milliseconds(5));
  EXPECT_EQ(wider.answer, RegistryAnswer::kRegistered);
  EXPECT_EQ(breaking.answer, RegistryAnswer::kIncompatible);
  EXPECT_EQ(breaking.times, 1);
  EXPECT_EQ(looked_up.answer, RegistryAnswer::kNotFound);
  EXPECT_TRUE(registry.IsRegistered(0, 2));
  EXPECT_FALSE(registry.IsRegistered(0, 3));
  EXPECT_EQ(ValueOf(sim, registry, SchemaRegistry::kRegistered), 2);
  EXPECT_EQ(ValueOf(sim, registry, SchemaRegistry::kRefused), 1);
  EXPECT_EQ(registry.last_refusal(), "field \"id\" is long in version 2 and string in version 3");
  EXPECT_TRUE(registry.CanRead(0, 2, 1));
  EXPECT_FALSE(registry.CanRead(0, 1, 2));
}

TEST(SchemaRegistryTest, DownItAnswersNobody) {
  Simulation sim(92);
  SchemaRegistry registry(sim, "registry", Orders());
  Asked under_way, refused, later;
  Ask(sim, registry, 1, true, &under_way);
  registry.SetDown(true);
  Ask(sim, registry, 2, true, &refused);
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_EQ(under_way.times, 1);
  EXPECT_EQ(under_way.answer, RegistryAnswer::kUnavailable);
  EXPECT_EQ(refused.answer, RegistryAnswer::kUnavailable);
  EXPECT_EQ(refused.at, Time());
  EXPECT_FALSE(registry.IsRegistered(0, 1));
  registry.SetDown(false);
  registry.SetLatencyFactor(Ratio::Whole(4));
  Ask(sim, registry, 1, true, &later);
  sim.RunUntil(Time() + Seconds(2));
  EXPECT_EQ(later.answer, RegistryAnswer::kRegistered);
  EXPECT_EQ(later.at, Time() + Seconds(1) + Milliseconds(20));
  EXPECT_EQ(ValueOf(sim, registry, SchemaRegistry::kUnanswered), 2);
}

}  // namespace
}  // namespace freshet
