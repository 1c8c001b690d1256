// SPDX-License-Identifier: BSL-1.0
//
// examples/vmm without KVM: any file as a kernel, with any options, is refused with a sentence or gets a plan. In a
// plan everything is in RAM and apart, lint finds no error, and JSON describes it.
//
// Input: u8 flags (bits 0 and 1 the way, 2 random base, 3 memory above 4 GiB, 4 the file is the loader), u64 random
// number, u8 CPUs, u8 MiB of memory, u8 pages more, u8 length of the command line, u8 n, n modules (u16 size, u8 length
// of the command line, 255 for none), then the file.
#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
// NOLINTBEGIN(bugprone-suspicious-include): a harness is one file.
#include "../vmm/acpi.cpp"
#include "../vmm/boot.cpp"
#include "../vmm/describe.cpp"
// NOLINTEND(bugprone-suspicious-include)
#include "../vmm/memory.hpp"
#include "harness.hpp"

namespace {

using namespace fuzz;

/// A file whose segments are large takes too long to clear.
bool is_large(span<const uint8_t> file) {
  const auto image = pvhboot::parse_elf(file);
  return image.ok() && image->size() > 0x1000000;
}

void law_plan(const vmm::boot_options& options, const vmm::booted& made, const vmm::guest_memory& memory) {
  const auto parsed = nlohmann::json::parse(vmm::describe(options, made));
  LAW(parsed["entry"] == made.cpu.eip && parsed["modules"].size() == made.modules.size());
  uint64_t end = 0;
  for (const vmm::placed& p : vmm::picture_of(made)) {
    // A bzImage is loaded where it unpacks itself.
    LAW(p.addr >= end || p.what.rfind("kernel", 0) == 0);
    LAW(p.size == 0 || p.what == "kernel" || memory.pieces().bytes(p.addr, p.size) != nullptr);
    end = p.addr + p.size;
  }
  std::vector<pvhboot::finding> found;
  if (made.start_info == 0) return;
  LAW(vmm::lint_handoff(made, memory.pieces(), found).ok());
  for (const pvhboot::finding& f : found) {
    LAW(level(f.what) != pvhboot::severity::error);
    LAW(!vmm::text_of(f).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<uint8_t> contents(0x10000, 0x5a);
  input in{data, size};
  vmm::boot_options options;
  const unsigned flags = in.u8();
  options.via = static_cast<vmm::way>(flags & 3);
  const uint64_t random = in.u64();
  if ((flags & 4) != 0) options.random = random;
  options.cpus = 1u + in.u8() % 64;
  options.memory = (uint64_t{in.u8()} << 20) + (uint64_t{in.u8()} << 12);
  if ((flags & 8) != 0) options.memory += 3 * vmm::gib;
  if (options.memory == 0) return 0;
  options.append.assign(in.u8(), static_cast<char>(random));
  options.modules.resize(in.u8() % 6);
  for (vmm::module& m : options.modules) {
    m.name = "module";
    m.contents = span<const uint8_t>{contents}.first(in.u16());
    const size_t n = in.u8();
    m.has_cmdline = n != 255;
    if (m.has_cmdline) m.cmdline.assign(n, 'x');
  }
  const auto file = exact_copy(in.rest());
  const span<const uint8_t> image{file.get(), in.rest().size()};
  if (is_large(image)) return 0;
  const bool is_loader = (flags & 16) != 0;
  options.kernel = {.name = "file",
                    .contents = is_loader ? span<const uint8_t>{contents} : image,
                    .cmdline = {},
                    .has_cmdline = false};
  options.loader = is_loader ? image : span<const uint8_t>{contents};

  const vmm::guest_memory memory{options.memory};
  vmm::booted made;
  const auto done = vmm::boot(options, memory.pieces(), made);
  if (done.ok()) {
    law_plan(options, made, memory);
  } else {
    law_failure(done.error());
    const auto lines = vmm::explain_refusal(done.error(), options);
    LAW(!lines.empty() && lines[0].find(message(done.error().code).data()) != std::string::npos);
  }
  return 0;
}
