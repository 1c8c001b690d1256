// SPDX-License-Identifier: BSL-1.0
//
// Prints the dictionary of a harness in the format of libFuzzer and AFL++: the magic numbers of the formats that it
// reads, and from the tables of the specifications each offset, size and version, as fields of 16 bits.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include <pvhboot/abi/memory_type.hpp>
#include <pvhboot/abi/xen_note.hpp>
#include <pvhboot/spec.hpp>

namespace {

std::set<std::pair<uint64_t, unsigned>> printed;

/// A token of so many bytes, least significant first.
void token(const std::string& name, uint64_t value, unsigned bytes) {
  if (!printed.insert({value, bytes}).second) return;
  std::printf("%s=\"", name.c_str());
  for (unsigned i = 0; i < bytes; ++i) std::printf("\\x%02x", static_cast<unsigned>(value >> 8 * i & 0xff));
  std::printf("\"\n");
}
void token(const char* text) { std::printf("\"%s\"\n", text); }

template <class S> void offsets() {
  const std::string name = pvhboot::spec::table<S>::name;
  for (const pvhboot::spec::field& f : pvhboot::spec::fields<S>()) token(name + "_" + f.name, f.offset, 2);
}
template <class S> void size() { token(std::string(pvhboot::spec::table<S>::name) + "_size", sizeof(S), 2); }
template <class S> void versions() {
  for (const pvhboot::spec::field& f : pvhboot::spec::fields<S>())
    if (f.since != 0) token(std::string("since_") + f.name, f.since, 2);
}

namespace abi = pvhboot::abi;

void handoff() {
  token("magic", abi::hvm_start_magic_value, 4);
  size<abi::hvm_start_info>();
  size<abi::hvm_modlist_entry>();
  size<abi::hvm_memmap_table_entry>();
  offsets<abi::hvm_start_info>();
  token("\\x01\\x00\\x00\\x00");
  token("RSD PTR ");
}
void elf() {
  token("\\x7f\\x45LF\\x02\\x01\\x01");
  token("\\x7f\\x45LF\\x01\\x01\\x01");
  token("Xen\\x00");
  token("\\x04\\x00\\x00\\x00\\x04\\x00\\x00\\x00\\x12\\x00\\x00\\x00Xen\\x00");
  token("GNU\\x00");
  for (const unsigned type : {0u, 1u, 4u, 6u, 7u}) token("type" + std::to_string(type), type, 4);
  for (const unsigned note : {1u, 18u, 19u}) token("note" + std::to_string(note), note, 4);
  size<abi::Elf32_Ehdr>();
  size<abi::Elf64_Ehdr>();
  size<abi::Elf32_Phdr>();
  size<abi::Elf64_Phdr>();
  size<abi::Elf32_Shdr>();
  size<abi::Elf64_Shdr>();
  offsets<abi::Elf64_Ehdr>();
  token("machine386", 3, 2);
  token("machine64", 62, 2);
  token("extended", 0xffff, 2);
  token("multiboot", 0x1badb002, 4);
}
void linux_page() {
  offsets<abi::boot_params>();
  offsets<abi::setup_header>();
  versions<abi::setup_header>();
  token("HdrS");
  token("LToP");
  token("boot_flag", 0xaa55, 2);
  token("indirect", 0x80000000, 4);
  for (unsigned type = 0; type < 13; ++type) token("setup" + std::to_string(type), type, 4);
}
void memory_map() {
  for (const uint64_t type : {1u, 2u, 3u, 4u, 5u, 7u, 12u, 128u, 129u}) token("type" + std::to_string(type), type, 1);
  token("below_top", ~uint64_t{0} - 0xfff, 8);
}

struct group {
  const char* harnesses;  ///< those that read this format
  void (*print)();
};
constexpr group groups[] = {
    {" parse live interface tool write plan ", handoff},
    {" notes image explain patch live interface tool vmm ", elf},
    {" bzimage translate chainload setup_data live interface tool vmm explain ", linux_page},
    {" map sanitize plan bzimage translate chainload xen write image interface ", memory_map},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s HARNESS\n", argv[0]);
    return 2;
  }
  const std::string wanted = " " + std::string(argv[1]) + " ";
  for (const group& g : groups)
    if (std::strstr(g.harnesses, wanted.c_str())) g.print();
  return 0;
}
