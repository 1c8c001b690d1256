// SPDX-License-Identifier: BSL-1.0
//
// patch FILE ENTRY: sets the PHYS32_ENTRY note of the file.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include <pvhboot/core/message.hpp>
#include <pvhboot/pvh/patch_note.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
  std::vector<uint8_t> buffer(text.begin(), text.end());
  buffer.resize(text.size() + 4096);
  const auto entry = static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 0));
  const auto size = pvhboot::set_phys32_entry(buffer, text.size(), entry);
  if (!size) {
    std::fprintf(stderr, "%s: %s\n", argv[1], message(size.error().code).data());
    return 1;
  }
  std::ofstream out(argv[1], std::ios::binary);
  out.write(reinterpret_cast<const char*>(buffer.data()), static_cast<std::streamsize>(*size));
  return out ? 0 : 1;
}
