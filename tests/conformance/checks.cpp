// SPDX-License-Identifier: BSL-1.0
//
// The parts of examples/conformance that need no machine.
#include <cstdio>

#include "../../examples/conformance/checks.hpp"

namespace {

using namespace conformance;

constexpr uint8_t digits[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
static_assert(crc32(digits) == 0xcbf43926, "the check value of CRC-32");
static_assert(crc32({}) == 0);

constexpr stated_checksum in(pvhboot::string_ref cmdline, uint32_t module = 0) {
  return checksum_of_module(cmdline, module);
}
static_assert(!in("").is_there && !in("quiet conformance.module=12345678").is_there);
static_assert(in("conformance.module0=00c0ffee").value == 0x00c0ffee && in("conformance.module0=00c0ffee").is_number);
static_assert(in("a conformance.module1=1 conformance.module0=deadbeef b").value == 0xdeadbeef);
static_assert(in("conformance.module12=deadbeef", 12).value == 0xdeadbeef &&
              !in("conformance.module12=deadbeef", 1).is_there);
static_assert(!in("xconformance.module0=deadbeef").is_there && !in("conformance.module0").is_there);
static_assert(in("conformance.module0=123456789").is_there && !in("conformance.module0=123456789").is_number);
static_assert(!in("conformance.module0=1234567").is_number && !in("conformance.module0=1234567G").is_number);
static_assert(!in("conformance.module0=").is_number && !in("conformance.module0=DEADBEEF").is_number);

}  // namespace

int main() {
  static known_words<64> words;
  if (words.intact() != 64) return 1;
  words.words[63] ^= 1;
  if (words.intact() != 63) return 1;
  std::puts("checksums, words of the command line and known words: as they should be");
}
