#include "sim/random.h"

#ifdef __SSE2__
#include <emmintrin.h>  // tidy: allowed, because it is the compiler's own.
#endif

#include "sim/check.h"
#include "sim/hash.h"
#include "sim/math.h"

namespace freshet {
namespace {

constexpr uint32_t kFactors[2] = {0xD2511F53, 0xCD9E8D57};
constexpr uint32_t kKeySteps[2] = {0x9E3779B9, 0xBB67AE85};

struct Block {
  Block(uint64_t low, uint64_t high)
      : w0(static_cast<uint32_t>(low)),
        w1(static_cast<uint32_t>(low >> 32)),
        w2(static_cast<uint32_t>(high)),
        w3(static_cast<uint32_t>(high >> 32)) {}
  uint64_t low() const { return w0 | uint64_t{w1} << 32; }
  uint64_t high() const { return w2 | uint64_t{w3} << 32; }

  void Round(uint32_t key0, uint32_t key1) {
    const uint64_t first = uint64_t{kFactors[0]} * w0;
    const uint64_t second = uint64_t{kFactors[1]} * w2;
    w0 = static_cast<uint32_t>(second >> 32) ^ w1 ^ key0;
    w1 = static_cast<uint32_t>(second);
    w2 = static_cast<uint32_t>(first >> 32) ^ w3 ^ key1;
    w3 = static_cast<uint32_t>(first);
  }

  uint32_t w0, w1, w2, w3;
};

void TenRounds(uint64_t key, Block& block) {
  auto key0 = static_cast<uint32_t>(key);
  auto key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    block.Round(key0, key1);
    key0 += kKeySteps[0];
    key1 += kKeySteps[1];
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
#ifdef __SSE2__
  // Each of a block's four words is in the low half of a lane; what is in the high halves never
  // counts, but at the end. Two vectors hold four blocks.
  constexpr size_t kVectors = kBuffered / 4;
  const __m128i low_half = _mm_set1_epi64x(0xffffffff);
  const __m128i first_factor = _mm_set1_epi64x(kFactors[0]);
  const __m128i second_factor = _mm_set1_epi64x(kFactors[1]);
  __m128i w0[kVectors], w1[kVectors], w2[kVectors], w3[kVectors];
  for (size_t i = 0; i < kVectors; ++i) {
    const auto block = static_cast<int64_t>(block_ + 2 * i);
    w0[i] = _mm_set_epi64x(block + 1, block);
    w1[i] = _mm_srli_epi64(w0[i], 32);
    w2[i] = _mm_set1_epi64x(static_cast<int64_t>(lane_));
    w3[i] = _mm_srli_epi64(w2[i], 32);
  }
  __m128i key0 = _mm_set1_epi64x(static_cast<int64_t>(key_));
  __m128i key1 = _mm_set1_epi64x(static_cast<int64_t>(key_ >> 32));
  const __m128i step0 = _mm_set1_epi64x(kKeySteps[0]);
  const __m128i step1 = _mm_set1_epi64x(kKeySteps[1]);
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 2
    for (size_t i = 0; i < kVectors; ++i) {
      const __m128i first = _mm_mul_epu32(first_factor, w0[i]);
      const __m128i second = _mm_mul_epu32(second_factor, w2[i]);
      w0[i] = _mm_xor_si128(_mm_xor_si128(_mm_srli_epi64(second, 32), w1[i]), key0);
      w1[i] = second;
      w2[i] = _mm_xor_si128(_mm_xor_si128(_mm_srli_epi64(first, 32), w3[i]), key1);
      w3[i] = first;
    }
    key0 = _mm_add_epi32(key0, step0);
    key1 = _mm_add_epi32(key1, step1);
  }
  for (size_t i = 0; i < kVectors; ++i) {
    const __m128i lows = _mm_or_si128(_mm_and_si128(w0[i], low_half), _mm_slli_epi64(w1[i], 32));
    const __m128i highs = _mm_or_si128(_mm_and_si128(w2[i], low_half), _mm_slli_epi64(w3[i], 32));
    auto* const words = reinterpret_cast<__m128i*>(&buffer_[4 * i]);
    _mm_storeu_si128(words, _mm_unpacklo_epi64(lows, highs));
    _mm_storeu_si128(words + 1, _mm_unpackhi_epi64(lows, highs));
  }
#else
  for (size_t i = 0; i < kBuffered; i += 2) {
    const std::array<uint64_t, 2> block = Philox(key_, {block_ + i / 2, lane_});
    buffer_[i] = block[0];
    buffer_[i + 1] = block[1];
  }
#endif
  block_ += kBuffered / 2;
  next_ = 0;
  held_ = kNothing;
}

Reals RandomStream::Uniforms() const {
  Reals uniforms = {};
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

double RandomStream::OneExponential() { return -Log(ToUniform(buffer_[next_++])); }

double RandomStream::OneLognormal(double sigma) {
  return Exp(Probit(ToUniform(buffer_[next_++])) * sigma);
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
