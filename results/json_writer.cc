#include "results/json_writer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "results/number_format.h"

namespace freshet {
namespace {

constexpr int64_t kExactInDouble = int64_t{1} << 53;

// The length of the well-formed UTF-8 sequence at the front of `text`, 0 when there is none.
size_t Utf8Length(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

}  // namespace

void JsonWriter::NewLine() {
  out_->push_back('\n');
  out_->append(2 * has_members_.size(), ' ');
}

void JsonWriter::BeforeValue() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_members_.empty()) return;
  if (has_members_.back()) out_->push_back(',');
  has_members_.back() = true;
  NewLine();
}

void JsonWriter::Begin(char bracket) {
  BeforeValue();
  out_->push_back(bracket);
  has_members_.push_back(false);
}

void JsonWriter::End(char bracket) {
  const bool had_members = has_members_.back();
  has_members_.pop_back();
  if (had_members) NewLine();
  out_->push_back(bracket);
}

void JsonWriter::Key(absl::string_view key) {
  BeforeValue();
  Quote(key);
  out_->append(": ");
  after_key_ = true;
}

void JsonWriter::Text(absl::string_view text) {
  BeforeValue();
  Quote(text);
}

void JsonWriter::Integer(int64_t value) {
  BeforeValue();
  if (value > -kExactInDouble && value < kExactInDouble) {
    absl::StrAppend(out_, value);
  } else {
    absl::StrAppend(out_, "\"", value, "\"");
  }
}

void JsonWriter::Unsigned(uint64_t value) {
  BeforeValue();
  if (value < static_cast<uint64_t>(kExactInDouble)) {
    absl::StrAppend(out_, value);
  } else {
    absl::StrAppend(out_, "\"", value, "\"");
  }
}

void JsonWriter::Real(double value) {
  BeforeValue();
  out_->append(std::isfinite(value) ? ShortestText(value) : "null");
}

void JsonWriter::Bool(bool value) {
  BeforeValue();
  out_->append(value ? "true" : "false");
}

void JsonWriter::Null() {
  BeforeValue();
  out_->append("null");
}

void JsonWriter::Quote(absl::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out_->push_back('"');
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    size_t length = 1;
    if (c == '"' || c == '\\') {
      out_->push_back('\\');
      out_->push_back(static_cast<char>(c));
    } else if (c == '\n') {
      out_->append("\\n");
    } else if (c == '\t') {
      out_->append("\\t");
    } else if (c < 0x20 || c == 0x7f) {
      out_->append("\\u00");
      out_->push_back(kHex[c >> 4]);
      out_->push_back(kHex[c & 15]);
    } else if ((length = Utf8Length(text)) > 0) {
      out_->append(text.data(), length);
    } else {
      out_->append("\\ufffd");  // Not UTF-8: a document must be.
      length = 1;
    }
    text.remove_prefix(length);
  }
  out_->push_back('"');
}

}  // namespace freshet
