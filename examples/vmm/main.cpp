// SPDX-License-Identifier: BSL-1.0
//
// A virtual machine monitor for KVM. It boots ELF kernels through PVH, and Linux's bzImage through a boot loader or by
// Linux's own protocols. All that the boot protocols need is in boot.cpp.
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <pvhboot/core/format.hpp>
#include <pvhboot/pvh/check_entry_state.hpp>
#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/lint.hpp>

#include "machine.hpp"

namespace {

using namespace vmm;

std::string text(const pvhboot::string_ref& t) { return {t.data(), t.size()}; }

std::string text(const pvhboot::failure& f) {
  char line[pvhboot::format_size];
  return text(format(f, line));
}

bytes read_file(const std::string& name) {
  std::ifstream in{name, std::ios::binary};
  if (!in) throw std::system_error(errno, std::generic_category(), name);
  bytes all{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  if (in.bad()) throw std::system_error(errno, std::generic_category(), name);
  return all;
}

/// "FILE" or "FILE=command line".
module read_module(const std::string& argument) {
  const size_t at = argument.find('=');
  module m{.contents = read_file(argument.substr(0, at)), .cmdline = {}, .has_cmdline = at != std::string::npos};
  if (m.has_cmdline) m.cmdline = argument.substr(at + 1);
  return m;
}

void explain_refusal(const bytes& kernel) {
  for (const auto reader : {pvhboot::image_reader::qemu, pvhboot::image_reader::xen_toolstack}) {
    const auto v = pvhboot::explain(kernel, reader);
    fmt::print(stderr, "vmm: {}: {}: {}", text(name(reader)), text(name(v.outcome)), text(message(v.reason)));
    if (const auto what = remedy(v.reason); !what.empty()) fmt::print(stderr, "; {}", text(what));
    fmt::print(stderr, "\n");
  }
}

/// What lies where, in ascending order.
std::vector<placed> picture_of(const booted& b) {
  std::vector<placed> all = b.pieces;
  std::sort(all.begin(), all.end(), [](const placed& x, const placed& y) { return x.addr < y.addr; });
  return all;
}

void print_picture(const booted& b) {
  for (const placed& p : picture_of(b))
    fmt::print(stderr, "vmm: [{:#012x}, {:#012x}) {:>10} bytes  {}\n", p.addr, p.addr + p.size, p.size, p.what);
}

nlohmann::json describe(const booted& b, const boot_options& options) {
  nlohmann::json j{
      {"entry", b.cpu.eip}, {"start_info", b.start_info}, {"bases", b.bases}, {"command_line", options.append}};
  for (const placed& p : picture_of(b))
    j["pieces"].push_back({{"what", p.what}, {"address", p.addr}, {"size", p.size}});
  for (const pvhboot::memory_range& r : b.map)
    j["memory_map"].push_back({{"address", r.addr}, {"size", r.size}, {"type", static_cast<uint32_t>(r.type)}});
  j["modules"] = nlohmann::json::array();
  for (const pvhboot::handoff_module& m : b.modules) j["modules"].push_back({{"address", m.paddr}, {"size", m.size}});
  return j;
}

/// The handoff as a guest would judge it. Returns the number of findings that are not of the lowest level.
int lint_handoff(const booted& b, const guest_memory& memory) {
  const auto boot = pvhboot::parse(memory.pieces(), b.start_info);
  if (!boot) {
    fmt::print(stderr, "vmm: the handoff: {}\n", text(boot.error()));
    return 1;
  }
  static pvhboot::memory_map_buffer<1024> buffer;
  pvhboot::memory_map scratch{buffer};
  int n = 0;
  const auto print = [&](pvhboot::finding f) {
    fmt::print(stderr, "vmm: lint: {} ({:#x})\n", text(message(f.what)), f.where);
    if (level(f.what) != pvhboot::severity::info) ++n;
  };
  if (!lint(memory.pieces(), *boot, scratch, print)) ++n;
  return n;
}

void dump_handoff(const booted& b, const guest_memory& memory, const std::string& name) {
  const auto piece =
      std::find_if(b.pieces.begin(), b.pieces.end(), [](const placed& p) { return p.what == "handoff"; });
  if (piece == b.pieces.end()) throw std::runtime_error("there is no handoff: Linux is entered by its own protocol");
  const uint8_t* p = memory.pieces().bytes(piece->addr, piece->size);
  std::ofstream out{name, std::ios::binary};
  out.write(reinterpret_cast<const char*>(p), static_cast<std::streamsize>(piece->size));
  if (!out) throw std::system_error(errno, std::generic_category(), name);
}

int run(int argc, char** argv) {
  CLI::App app{"Boots a kernel in a virtual machine under KVM."};
  std::string kernel, initrd, append, memory = "256M", via, loader, dump;
  std::vector<std::string> modules;
  unsigned cpus = 1;
  bool kaslr = false, describe_only = false, debug_exit = false;
  app.add_option("--kernel", kernel, "an ELF kernel with a PHYS32_ENTRY note, or a Linux bzImage")->required();
  app.add_option("--initrd", initrd, "the first module");
  app.add_option("--module", modules, "another module: FILE or FILE=COMMAND-LINE");
  uint64_t memory_size = 0;
  app.add_option("--memory", memory_size, "size of RAM, such as 256M or 5G")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("256M");
  app.add_option("--cpus", cpus, "number of CPUs")->check(CLI::Range(1u, 64u));
  app.add_option("--append", append, "the command line");
  app.add_option("--via", via, "how a bzImage is booted")->check(CLI::IsMember({"pvh-loader", "linux32", "linux64"}));
  app.add_option("--loader", loader, "the boot loader of --via pvh-loader: examples/chainload");
  app.add_flag("--kaslr", kaslr, "load the kernel at a random one of the bases that its PHYS32_RELOC note allows");
  app.add_option("--dump-handoff", dump, "write the handoff to a file");
  app.add_flag("--debug-exit", debug_exit, "a byte written to port 0xf4 ends the machine");
  app.add_flag("--describe", describe_only, "print the plan as JSON and do not start KVM");
  CLI11_PARSE(app, argc, argv);

  boot_options options;
  options.kernel = read_file(kernel);
  options.memory = memory_size != 0 ? memory_size : uint64_t{256} << 20;
  if (options.memory % 4096 != 0) throw std::runtime_error("--memory is not a multiple of 4096 bytes");
  options.append = append;
  options.cpus = cpus;
  if (!initrd.empty()) options.modules.push_back({.contents = read_file(initrd), .cmdline = {}, .has_cmdline = false});
  for (const std::string& m : modules) options.modules.push_back(read_module(m));
  const bool is_bzimage = pvhboot::parse_bzimage(options.kernel).ok();
  if (is_bzimage && via.empty()) via = "linux64";
  if (!is_bzimage && !via.empty()) throw std::runtime_error("--via is for a bzImage");
  if (via == "linux32") options.via = way::linux32;
  if (via == "linux64") options.via = way::linux64;
  if (via == "pvh-loader") {
    if (loader.empty()) throw std::runtime_error("--via pvh-loader needs --loader FILE");
    options.via = way::pvh_loader;
    options.loader = read_file(loader);
  }
  if (kaslr) {
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
      throw std::system_error(errno, std::generic_category(), "getrandom");
    options.random = random;
  }

  const guest_memory memory_of_guest{options.memory};
  booted made;
  if (const auto done = boot(options, memory_of_guest.pieces(), made); !done) {
    fmt::print(stderr, "vmm: {}: {}\n", kernel, text(done.error()));
    if (kaslr && done.error().code == pvhboot::errc::not_relocatable)
      fmt::print(stderr, "vmm: --kaslr needs a PHYS32_RELOC note\n");
    else
      explain_refusal(options.kernel);
    return 2;
  }
  if (!dump.empty()) dump_handoff(made, memory_of_guest, dump);
  if (describe_only) {
    fmt::print("{}\n", describe(made, options).dump(2));
    return made.start_info != 0 && lint_handoff(made, memory_of_guest) != 0 ? 1 : 0;
  }
  print_picture(made);
  machine m{memory_of_guest, cpus};
  const auto report = [](pvhboot::finding f) {
    fmt::print(stderr, "vmm: entry state: {} ({:#x})\n", text(message(f.what)), f.where);
  };
  const pvhboot::entry_state at_entry = m.set(made.cpu);
  if (made.start_info != 0)
    pvhboot::check_entry_state(
        at_entry, report,
        {.profile = pvhboot::entry_profile::as_seen, .entry = made.cpu.eip, .start_info = made.start_info});
  const ending e = m.run(isatty(STDIN_FILENO) != 0, debug_exit);
  fmt::print(stderr, "\nvmm: {}\n", e.how);
  if (e.first_byte)
    fmt::print(stderr, "vmm: {:.3f} s from the entry to the first byte on the console\n", e.first_byte->count());
  for (const auto& [what, n] : e.exits) fmt::print(stderr, "vmm: {:>9} exits: {}\n", n, what);
  if (e.status == 3 && made.start_info != 0) lint_handoff(made, memory_of_guest);
  return e.status;
}

}  // namespace

int main(int argc, char** argv) try { return run(argc, argv); } catch (const std::exception& why) {
  std::fprintf(stderr, "vmm: %s\n", why.what());
  return 1;
}
