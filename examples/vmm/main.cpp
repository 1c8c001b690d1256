// SPDX-License-Identifier: BSL-1.0
//
// A virtual machine monitor for KVM. It boots ELF kernels through PVH, and Linux's bzImage through a boot loader or by
// Linux's own protocols. All that the boot protocols need is in boot.cpp.
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include <pvhboot/pvh/check_entry_state.hpp>

#include "breakage.hpp"
#include "crash.hpp"
#include "describe.hpp"
#include "machine.hpp"
#include "options.hpp"
#include "probe.hpp"

namespace {

using namespace vmm;

constexpr int failed = 1, refused = 2;

void print(const std::string& line) { fmt::print(stderr, "vmm: {}\n", line); }

void print_picture(const booted& made) {
  for (const placed& p : picture_of(made))
    print(fmt::format("[{:#012x}, {:#012x}) {:>10} bytes  {}", p.addr, p.addr + p.size, p.size, p.what));
  if (made.bases > 1) print(fmt::format("the kernel lies at one of {} bases", made.bases));
}

/// What is odd about a CPU that was set to enter the guest by PVH.
std::vector<pvhboot::finding> judge(const pvhboot::entry_state& state, const booted& made) {
  std::vector<pvhboot::finding> found;
  if (made.start_info != 0)
    pvhboot::check_entry_state(state, [&](pvhboot::finding f) { found.push_back(f); },
                               {.entry = made.cpu.eip, .start_info = made.start_info});
  return found;
}

bool is_fault(const pvhboot::finding& f) { return level(f.what) != pvhboot::severity::info; }

/// Prints the findings, without those of the lowest level unless `all`. Returns whether there are others.
bool print_findings(const char* of, const std::vector<pvhboot::finding>& found, bool all) {
  for (const pvhboot::finding& f : found)
    if (all || is_fault(f)) print(fmt::format("{}: {}", of, text_of(f)));
  return std::any_of(found.begin(), found.end(), is_fault);
}

void dump_handoff(const booted& made, const guest_memory& memory, const std::string& name) {
  const auto piece =
      std::find_if(made.pieces.begin(), made.pieces.end(), [](const placed& p) { return p.what == "handoff"; });
  if (piece == made.pieces.end()) throw std::runtime_error("there is no handoff: Linux is entered by its own protocol");
  write_file(name, {memory.pieces().bytes(piece->addr, piece->size), static_cast<size_t>(piece->size)});
}

guest_memory memory_for(const settings& s) { return guest_memory{s.boot.memory, s.break_what != without_a20}; }

/// The registers to enter the guest with.
pvhboot::entry_state finish(const settings& s, const booted& made, const guest_memory& memory) {
  const bytes kernel = s.boot.via == way::pvh_loader ? s.boot.loader : s.boot.kernel.contents;
  broken_guest guest{made, kernel, memory.pieces(), made.cpu};
  if (!s.break_what.empty()) break_guest(s.break_what, guest);
  return guest.cpu;
}

/// The crash of the same guest, run again step by step.
std::optional<crash> crash_again(const settings& s) {
  const guest_memory memory = memory_for(s);
  booted made;
  if (!boot(s.boot, memory.pieces(), made)) return std::nullopt;
  const pvhboot::entry_state state = finish(s, made, memory);
  machine m{s.device, memory, s.boot.cpus};
  m.set(state);
  return m.step_to_crash();
}

void print_crash(const settings& s, const crash& c) {
  const std::optional<crash> again = was_reset(c) ? crash_again(s) : c;
  if (!again) print("KVM has reset the CPU, and the guest does not crash within its first instructions");
  for (const std::string& line : text_of(again ? *again : c)) print(line);
}

int boot_guest(const settings& s) {
  const guest_memory memory = memory_for(s);
  booted made;
  if (const auto done = boot(s.boot, memory.pieces(), made); !done) {
    for (const std::string& line : explain_refusal(done.error(), s.boot)) print(line);
    return refused;
  }
  const pvhboot::entry_state state = finish(s, made, memory);
  if (!s.dump.empty()) dump_handoff(made, memory, s.dump);
  std::vector<pvhboot::finding> odd;
  bool readable = true;
  if (made.start_info != 0)
    if (const auto done = lint_handoff(made, memory.pieces(), odd); !done) {
      print("the handoff: " + text_of(done.error()));
      readable = false;
    }
  if (s.describe) {
    fmt::print("{}\n", describe(s.boot, made));
    return print_findings("lint", odd, true) || !readable ? failed : 0;
  }
  print_picture(made);
  if (virtualisation() == nullptr) print("the CPU has neither vmx nor svm: KVM may fail to emulate the guest");
  machine m{s.device, memory, s.boot.cpus};
  const auto state_findings = judge(m.set(state), made);
  print_findings("entry state", state_findings, s.check_entry);
  if (s.check_entry) return 0;
  const ending e = m.run(s.debug_exit);
  fmt::print(stderr, "\n");
  print(e.how);
  if (e.first_byte)
    print(fmt::format("{:.3f} s from the entry to the first byte on the console", e.first_byte->count()));
  for (const auto& [what, n] : e.exits) print(fmt::format("{:>9} exits: {}", n, what));
  if (e.fault) {
    print_crash(s, *e.fault);
    print_findings("entry state", state_findings, true);
    print_findings("lint", odd, true);
  }
  return e.status;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::optional<settings> s = read_options(argc, argv);
  if (!s) return 0;
  if (!s->probe) return boot_guest(*s);
  const std::string why = probe(s->device);
  print(why.empty() ? "KVM works" : why);
  return why.empty() ? 0 : failed;
} catch (const std::exception& why) {
  std::fprintf(stderr, "vmm: %s\n", why.what());
  return failed;
}
