// SPDX-License-Identifier: BSL-1.0
//
// A mutator of libFuzzer that knows the fields of the structures in an input, from the tables of the specifications.
// Half of its work is libFuzzer's own. A harness includes this file and says where the structures are; AFL++ and
// honggfuzz have the dictionaries instead.
#pragma once

#include <algorithm>

#include <pvhboot/spec.hpp>

#include "harness.hpp"

extern "C" {
// Absent in programs that only replay.
[[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed);
}

namespace fuzz {

/// A structure in an input: the offset of its first byte, which its table counts as `base`.
struct structure {
  size_t at;
  size_t size;
  size_t base;
  span<const pvhboot::spec::field> fields;
};
template <class S> structure structure_at(size_t at) {
  using table = pvhboot::spec::table<S>;
  return {at, table::size, table::base, table::fields};
}

/// The structures of an input, those that lie in it wholly. Each harness defines it.
std::vector<structure> structures_of(const uint8_t* data, size_t size);

class field_mutator {
 private:
  unsigned next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<unsigned>(state_ >> 33);
  }
  template <class List> const auto& of(const List& list) { return list[next() % list.size()]; }

 public:
  field_mutator(uint8_t* data, size_t size, size_t max_size, unsigned seed)
      : data_(data), size_(size), max_size_(max_size), state_(seed) {}

  size_t mutate() {
    const bool by_field = next() % 2 != 0;
    const std::vector<structure> all = by_field ? structures_of(data_, size_) : std::vector<structure>{};
    if (all.empty()) return LLVMFuzzerMutate ? LLVMFuzzerMutate(data_, size_, max_size_) : size_;
    const structure& s = of(all);
    switch (next() % 8) {
      case 0: return duplicate(s);
      case 1: return remove(s);
      case 2: return overwrite(s, of(all));
      default: break;
    }
    const pvhboot::spec::field& f = of(s.fields);
    const unsigned n = std::min<unsigned>(f.size, 8);
    const size_t at = s.at + (f.offset - s.base) + (f.size > 8 ? next() % (f.size - 7u) : 0);
    const uint64_t value = new_value(little_endian(data_ + at, n), s, all);
    for (unsigned i = 0; i < n; ++i) data_[at + i] = static_cast<uint8_t>(value >> 8 * i);
    return size_;
  }

 private:
  uint64_t new_value(uint64_t old, const structure& s, const std::vector<structure>& all) {
    const uint64_t little = next() % 64;
    switch (next() % 8) {
      case 0: return little;
      case 1: return old + little - 32;
      case 2: return ~little;
      case 3: return (uint64_t{1} << next() % 64) - next() % 2;
      case 4: return old ^ uint64_t { 1 } << next() % 64;
      case 5:
        return size_ - std::min<uint64_t>(size_, next() % (s.at + 1)) + little - 32;  // about the end of the input
      default: {
        // The value of another field: an address, a size or a count of the same input.
        const structure& other = of(all);
        const pvhboot::spec::field& f = of(other.fields);
        const uint64_t value = little_endian(data_ + other.at + (f.offset - other.base), std::min<unsigned>(f.size, 8));
        return next() % 2 == 0 ? value : value + little - 32;
      }
    }
  }
  size_t duplicate(const structure& s) {
    if (size_ + s.size > max_size_) return size_;
    std::memmove(data_ + s.at + s.size, data_ + s.at, size_ - s.at);
    return size_ + s.size;
  }
  size_t remove(const structure& s) {
    std::memmove(data_ + s.at, data_ + s.at + s.size, size_ - s.at - s.size);
    return size_ - s.size;
  }
  size_t overwrite(const structure& s, const structure& by) {
    if (by.size == s.size) std::memmove(data_ + s.at, data_ + by.at, s.size);
    return size_;
  }

  uint8_t* data_;
  size_t size_;
  size_t max_size_;
  uint64_t state_;
};

}  // namespace fuzz

// NOLINTNEXTLINE(misc-definitions-in-headers): a harness is one file.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return fuzz::field_mutator{data, size, max_size, seed}.mutate();
}
