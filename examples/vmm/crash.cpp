// SPDX-License-Identifier: BSL-1.0
#include "crash.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vmm {

bool was_reset(const crash& c) {
  constexpr uint64_t reset_base = 0xffff0000, reset_ip = 0xfff0;
  return c.sregs.cs.base == reset_base && c.regs.rip == reset_ip;
}

std::vector<std::string> text_of(const crash& c) {
  const kvm_regs& r = c.regs;
  const kvm_sregs& s = c.sregs;
  std::vector<std::string> lines{
      fmt::format("rip {:#x} rflags {:#x} rsp {:#x} rbp {:#x}", r.rip, r.rflags, r.rsp, r.rbp),
      fmt::format("rax {:#x} rbx {:#x} rcx {:#x} rdx {:#x} rsi {:#x} rdi {:#x}", r.rax, r.rbx, r.rcx, r.rdx, r.rsi,
                  r.rdi),
      fmt::format("cr0 {:#x} cr2 {:#x} cr3 {:#x} cr4 {:#x} efer {:#x}", s.cr0, s.cr2, s.cr3, s.cr4, s.efer)};
  const auto segment = [](const char* name, const kvm_segment& of) {
    const pvhboot::segment_state state = pvhboot::from_kvm(of);
    return fmt::format("{} {:#x} base {:#x} limit {:#x} attributes {:#x}", name, state.selector, state.base,
                       state.limit, state.attributes);
  };
  lines.push_back(segment("cs", s.cs) + "; " + segment("ss", s.ss));
  lines.push_back(segment("ds", s.ds) + "; " + segment("es", s.es));
  lines.push_back(fmt::format("gdt {:#x} limit {:#x}; idt {:#x} limit {:#x}; {}", s.gdt.base, s.gdt.limit, s.idt.base,
                              s.idt.limit, segment("tr", s.tr)));
  lines.push_back(c.code.empty() ? "the instruction cannot be read"
                                 : fmt::format("instruction: {:02x}", fmt::join(c.code, " ")));
  return lines;
}

}  // namespace vmm
