// SPDX-License-Identifier: BSL-1.0
//
// Prints the results of parse_bzimage and of the placement for the first bytes of a file: for all of it, then for the
// sizes in the arguments. One line each, of words without blanks, except for the last word.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

#include <pvhboot/pvhboot.hpp>

namespace {

using pvhboot::memory_type;
using pvhboot::span;

constexpr uint64_t MiB = 1 << 20;

int width(pvhboot::string_ref text) { return static_cast<int>(text.size()); }

/// The RAM of a PC with 512 MiB.
struct pc {
  pvhboot::memory_map_buffer<8> buffer;
  pvhboot::memory_map ram{buffer};

  pc() {
    if (!ram.append({0, 0xa0000, memory_type::ram}) || !ram.append({MiB, 511 * MiB, memory_type::ram})) std::abort();
  }
};

void print_places(const pvhboot::bzimage& kernel) {
  const pc whole;
  const auto place = place_kernel(kernel, whole.ram);
  if (!place) {
    std::printf("load=none ");
    return;
  }
  std::printf("load=%" PRIu64 " runs=%" PRIu64 " ", place->load_paddr, place->runtime_start);
  pc free;
  if (!free.ram.punch(place->load_paddr, place->load_size) ||
      !free.ram.punch(place->runtime_start, place->runtime_size))
    std::abort();
  const auto initrd = place_initrd(kernel, 5000, free.ram);
  std::printf(
      "initrd=%" PRIu64 " sound=%d ", initrd.value_or(0),
      check_placement(
          kernel,
          {.kernel = *place, .zero_page_paddr = 0x10000, .initrd_paddr = initrd.value_or(0), .initrd_size = 5000},
          whole.ram)
          .ok());
}

void print(span<const uint8_t> file) {
  const auto kernel = pvhboot::parse_bzimage(file);
  if (!kernel) {
    const pvhboot::string_ref why = message(kernel.error().code);
    std::printf("where=%" PRIu64 " refused=%.*s\n", kernel.error().where, width(why), why.data());
    return;
  }
  std::printf("protocol=%u header=%zu code=%zu size=%zu relocatable=%d alignment=%u least=%u pref=%" PRIu64
              " init=%" PRIu64
              " entry64=%d high=%d cmdline=%u initrd_max=%u format=%d payload=%zu unpacked=%u types=%u ",
              kernel->protocol(), 0x1f1 + kernel->header_bytes().size(), kernel->code_offset(), kernel->code().size(),
              kernel->relocatable(), kernel->kernel_alignment(), kernel->min_alignment(), kernel->pref_address(),
              kernel->init_size(), kernel->has_entry_64(), kernel->can_be_loaded_above_4g(), kernel->cmdline_size(),
              kernel->initrd_addr_max(), static_cast<int>(kernel->payload_format()), kernel->payload().size(),
              kernel->uncompressed_size(), kernel->kernel_info().setup_type_max.get());
  print_places(*kernel);
  const pvhboot::string_ref version = kernel->kernel_version();
  std::printf("version=%.*s\n", width(version), version.absent() ? "" : version.data());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ifstream stream(argv[1], std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(stream), {}};
  if (text.empty()) {
    std::fprintf(stderr, "cannot read %s\n", argv[1]);
    return 1;
  }
  // Each in a block of exactly its size, so that sanitizers detect reads outside it.
  for (int i = 1; i < argc; ++i) {
    const size_t size = i == 1 ? text.size() : std::strtoull(argv[i], nullptr, 10);
    const std::unique_ptr<uint8_t[]> block{new uint8_t[size]};
    std::memcpy(block.get(), text.data(), size < text.size() ? size : text.size());
    print({block.get(), size});
  }
  return 0;
}
