// SPDX-License-Identifier: BSL-1.0
//
// Prints the dictionary of a harness in the format of libFuzzer and AFL++: the magic numbers of the formats that it
// reads, and from the tables of the specifications each offset, size and version, as fields of 16 bits.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <pvhboot/abi/memory_type.hpp>
#include <pvhboot/abi/xen_note.hpp>
#include <pvhboot/spec.hpp>

namespace {

/// No containers: this program is also built for MemorySanitizer, which does not know the library that has them.
struct printed_token {
  uint64_t value;
  unsigned bytes;
};
printed_token printed[1024];
unsigned printed_count = 0;

/// A token of so many bytes, least significant first, if there is none like it. Its name has two parts.
void token(const char* group, const char* name, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < printed_count; ++i)
    if (printed[i].value == value && printed[i].bytes == bytes) return;
  if (printed_count < sizeof printed / sizeof printed[0]) printed[printed_count++] = {value, bytes};
  std::printf("%s_%s=\"", group, name);
  for (unsigned i = 0; i < bytes; ++i) std::printf("\\x%02x", static_cast<unsigned>(value >> 8 * i & 0xff));
  std::printf("\"\n");
}
void token(const char* text) { std::printf("\"%s\"\n", text); }
void numbers(const char* group, const uint64_t* first, const uint64_t* end, unsigned bytes) {
  for (; first != end; ++first) {
    char name[24];
    std::snprintf(name, sizeof name, "%llx", static_cast<unsigned long long>(*first));
    token(group, name, *first, bytes);
  }
}
template <unsigned N> void numbers(const char* group, const uint64_t (&values)[N], unsigned bytes) {
  numbers(group, values, values + N, bytes);
}

template <class S> void offsets() {
  for (const pvhboot::spec::field& f : pvhboot::spec::fields<S>())
    token(pvhboot::spec::table<S>::name, f.name, f.offset, 2);
}
template <class S> void size() { token(pvhboot::spec::table<S>::name, "size", sizeof(S), 2); }
template <class S> void versions() {
  for (const pvhboot::spec::field& f : pvhboot::spec::fields<S>())
    if (f.since != 0) token("since", f.name, f.since, 2);
}

namespace abi = pvhboot::abi;

void handoff() {
  token("handoff", "magic", abi::hvm_start_magic_value, 4);
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
  numbers("type", {0, 1, 4, 6, 7}, 4);
  numbers("note", {18, 19}, 4);
  size<abi::Elf32_Ehdr>();
  size<abi::Elf64_Ehdr>();
  size<abi::Elf32_Phdr>();
  size<abi::Elf64_Phdr>();
  size<abi::Elf32_Shdr>();
  size<abi::Elf64_Shdr>();
  offsets<abi::Elf64_Ehdr>();
  numbers("elf", {3, 62, 0xffff}, 2);
  numbers("multiboot", {0x1badb002}, 4);
}
void linux_page() {
  offsets<abi::boot_params>();
  offsets<abi::setup_header>();
  versions<abi::setup_header>();
  token("HdrS");
  token("LToP");
  numbers("boot_flag", {0xaa55}, 2);
  numbers("setup", {0x80000000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 4);
}
void memory_map() {
  numbers("memory", {1, 2, 3, 4, 5, 7, 12, 128, 129}, 1);
  numbers("below_top", {~uint64_t{0} - 0xfff}, 8);
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
  char wanted[64];
  std::snprintf(wanted, sizeof wanted, " %s ", argv[1]);
  for (const group& g : groups)
    if (std::strstr(g.harnesses, wanted)) g.print();
  if (printed_count != 0) return 0;
  for (const group& g : groups) g.print();  // a harness that is new
  return 0;
}
