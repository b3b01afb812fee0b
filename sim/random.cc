#include "sim/random.h"

#include "sim/check.h"
#include "sim/hash.h"
#include "sim/math.h"

namespace freshet {
namespace {

struct Block {
  Block(uint64_t low, uint64_t high)
      : w0(static_cast<uint32_t>(low)),
        w1(static_cast<uint32_t>(low >> 32)),
        w2(static_cast<uint32_t>(high)),
        w3(static_cast<uint32_t>(high >> 32)) {}
  uint64_t low() const { return w0 | uint64_t{w1} << 32; }
  uint64_t high() const { return w2 | uint64_t{w3} << 32; }

  void Round(uint32_t key0, uint32_t key1) {
    const uint64_t first = uint64_t{0xD2511F53} * w0;
    const uint64_t second = uint64_t{0xCD9E8D57} * w2;
    w0 = static_cast<uint32_t>(second >> 32) ^ w1 ^ key0;
    w1 = static_cast<uint32_t>(second);
    w2 = static_cast<uint32_t>(first >> 32) ^ w3 ^ key1;
    w3 = static_cast<uint32_t>(first);
  }

  uint32_t w0, w1, w2, w3;
};

// Ten rounds on each of the blocks, side by side: they do not wait for one another.
template <typename... Blocks>
void TenRounds(uint64_t key, Blocks&... blocks) {
  auto key0 = static_cast<uint32_t>(key);
  auto key1 = static_cast<uint32_t>(key >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    (blocks.Round(key0, key1), ...);
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
}

// Every bit of the input moves every bit of the output (the finaliser of MurmurHash3).
constexpr uint64_t Scatter(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

}  // namespace

std::array<uint64_t, 2> Philox(uint64_t key, std::array<uint64_t, 2> counter) {
  Block block(counter[0], counter[1]);
  TenRounds(key, block);
  return {block.low(), block.high()};
}

RandomStream::RandomStream(uint64_t seed, absl::string_view name, absl::string_view purpose)
    : RandomStream(seed, Fnv1a64(purpose, Fnv1a64(absl::string_view("/"), Fnv1a64(name)))) {}

void RandomStream::Refill() {
  Block first(block_, lane_);
  Block second(block_ + 1, lane_);
  TenRounds(key_, first, second);
  buffer_ = {first.low(), first.high(), second.low(), second.high()};
  block_ += 2;
  next_ = 0;
  held_ = kNothing;
}

std::array<double, RandomStream::kBuffered> RandomStream::Uniforms() const {
  std::array<double, kBuffered> uniforms = {};
  for (size_t i = 0; i < kBuffered; ++i) uniforms[i] = ToUniform(buffer_[i]);
  return uniforms;
}

void RandomStream::TakeLogarithms() {
  variates_ = LogOfEach(Uniforms());
  for (double& exponential : variates_) exponential = -exponential;
  held_ = kExponentials;
}

void RandomStream::TakeLognormals(double sigma) {
  variates_ = ProbitOfEach(Uniforms());
  for (double& normal : variates_) normal *= sigma;
  variates_ = ExpOfEach(variates_);
  held_ = sigma;
}

uint64_t RandomStream::NextBelow(uint64_t bound) {
  SIM_REQUIRE(bound > 0);
  unsigned __int128 product = static_cast<unsigned __int128>(NextUint64()) * bound;
  if (__builtin_expect(static_cast<uint64_t>(product) < bound, 0)) {
    // Lemire 2019: the lowest 2^64 mod bound values of each stripe are one too many.
    const uint64_t excess = (0 - bound) % bound;
    while (static_cast<uint64_t>(product) < excess) {
      product = static_cast<unsigned __int128>(NextUint64()) * bound;
    }
  }
  return static_cast<uint64_t>(product >> 64);
}

RandomStream RandomStream::Substream(uint64_t index) const {
  return RandomStream(key_, Scatter(lane_ ^ Scatter(index + 0x9e3779b97f4a7c15ULL)));
}

}  // namespace freshet
