// SPDX-License-Identifier: BSL-1.0
//
// Prints what explain says of each file, one line a reader: file, reader, outcome, entry, reason, without blanks
// inside.
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include <pvhboot/pvh/explain.hpp>

namespace {

constexpr const char* readers[] = {"qemu",         "qemu-before-6.0",  "xen-toolstack", "xen-dom0",
                                   "linux-loader", "cloud-hypervisor", "firecracker"};
static_assert(std::size(readers) == pvhboot::image_readers);
constexpr const char* outcomes[] = {"enters", "refuses", "other-protocol", "unpacks", "undefined"};

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream stream(argv[i], std::ios::binary);
    const std::vector<char> text{std::istreambuf_iterator<char>(stream), {}};
    if (text.empty()) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 1;
    }
    // A block of exactly the file's size, so that sanitizers detect reads outside it.
    const std::unique_ptr<uint8_t[]> block{new uint8_t[text.size()]};
    std::memcpy(block.get(), text.data(), text.size());
    for (unsigned r = 0; r < pvhboot::image_readers; ++r) {
      const auto v = pvhboot::explain({block.get(), text.size()}, static_cast<pvhboot::image_reader>(r));
      std::printf("%s %s %s %" PRIu64 " %s\n", argv[i], readers[r], outcomes[static_cast<size_t>(v.outcome)], v.entry,
                  name(v.reason).data());
    }
  }
  return 0;
}
