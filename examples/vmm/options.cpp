// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include <sys/random.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "breakage.hpp"
#include "describe.hpp"

namespace vmm {

namespace {

struct words {
  std::string kernel, initrd, via, loader;
  std::vector<std::string> modules;
  bool kaslr = false;
};

bytes load(settings& s, const std::string& name) { return s.files.emplace_back(name).contents(); }

/// "FILE" or "FILE=command line".
module read_module(settings& s, const std::string& argument) {
  const size_t at = argument.find('=');
  const std::string name = argument.substr(0, at);
  module m{.name = name, .contents = load(s, name), .cmdline = {}, .has_cmdline = at != std::string::npos};
  if (m.has_cmdline) m.cmdline = argument.substr(at + 1);
  return m;
}

/// The file has a setup header, sound or not.
bool is_bzimage(bytes kernel) {
  using pvhboot::errc;
  const auto image = pvhboot::parse_bzimage(kernel);
  if (image) return true;
  const errc code = image.error().code;
  return code != errc::image_too_short && code != errc::no_boot_flag && code != errc::no_header_magic;
}

/// examples/chainload, beside this program or where the build puts it.
std::string find_loader() {
  std::error_code unknown;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
  for (const auto& path : {folder / "chainload.elf", folder.parent_path() / "chainload" / "chainload.elf"})
    if (std::filesystem::is_regular_file(path, unknown)) return path;
  return {};
}

void choose_way(settings& s, words& w) {
  boot_options& boot = s.boot;
  if (!is_bzimage(boot.kernel.contents)) {
    if (!w.via.empty() || !w.loader.empty()) throw std::runtime_error("--via and --loader are for a bzImage");
    return;
  }
  const auto kernel = pvhboot::parse_bzimage(boot.kernel.contents);
  if (!kernel) throw std::runtime_error(w.kernel + ": " + text_of(kernel.error()));
  if (w.kaslr) throw std::runtime_error("--kaslr is for an ELF kernel; a bzImage chooses its address itself");
  if (w.loader.empty() && (w.via.empty() || w.via == "pvh-loader")) w.loader = find_loader();
  if (w.via.empty() && !w.loader.empty()) w.via = "pvh-loader";
  if (w.via == "pvh-loader") {
    if (w.loader.empty()) throw std::runtime_error("--via pvh-loader needs --loader FILE: no chainload.elf was found");
    boot.via = way::pvh_loader;
    boot.loader = load(s, w.loader);
    return;
  }
  if (!w.loader.empty()) throw std::runtime_error("--loader is for --via pvh-loader");
  if (w.via.empty()) w.via = kernel->has_entry_64() ? "linux64" : "linux32";
  boot.via = w.via == "linux64" ? way::linux64 : way::linux32;
}

}  // namespace

std::optional<settings> read_options(int argc, char** argv) {
  settings s;
  words w;
  CLI::App app{"Boots a kernel in a virtual machine under KVM. On a terminal, Ctrl-A x ends the machine."};
  auto* const kernel =
      app.add_option("--kernel", w.kernel, "an ELF kernel with a PHYS32_ENTRY note, or a Linux bzImage");
  app.add_option("--initrd", w.initrd, "the first module");
  app.add_option("--module", w.modules, "another module: FILE or FILE=COMMAND-LINE");
  uint64_t memory = uint64_t{256} << 20;
  app.add_option("--memory", memory, "size of RAM, such as 256M or 5G (default: 256M)")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--cpus", s.boot.cpus, "number of CPUs (default: 1)")->check(CLI::Range(1u, 64u));
  app.add_option("--append", s.boot.append, "the command line");
  app.add_option("--via", w.via,
                 "how a bzImage is booted (default: pvh-loader if there is a loader, else linux64 if the kernel has "
                 "this entry, else linux32)")
      ->check(CLI::IsMember({"pvh-loader", "linux32", "linux64"}));
  app.add_option("--loader", w.loader,
                 "the boot loader of pvh-loader, which gets the bzImage as its first module (default: the "
                 "chainload.elf of the same build, or beside this program)");
  app.add_flag("--kaslr", w.kaslr, "load the kernel at a random one of the bases that its PHYS32_RELOC note allows");
  app.add_option("--dump-handoff", s.dump, "write the handoff to a file");
  app.add_flag("--debug-exit", s.debug_exit, "a byte written to port 0xf4 ends the machine");
  app.add_option("--kvm", s.device, "the device (default: /dev/kvm)");
  auto* const probe = app.add_flag("--probe", s.probe, "run three instructions to find out whether KVM works");
  app.add_option("--break", s.break_what, "break the guest on purpose; \"list\" prints the ways")
      ->check([](const std::string& name) {
        for (const breakage& b : breakages())
          if (b.name == name || name == "list") return std::string{};
        return "unknown breakage " + name;
      });
  app.add_flag("--check-entry", s.check_entry, "set the registers, print what is odd about them, and run nothing");
  app.add_flag("--describe", s.describe, "print the plan as JSON and do not start KVM");
  kernel->excludes(probe);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return std::nullopt;
  }
  if (s.break_what == "list") {
    for (const breakage& b : breakages()) fmt::print("{:<22} {}\n", b.name, b.what);
    return std::nullopt;
  }
  if (s.probe) return s;
  if (w.kernel.empty()) throw CLI::RequiredError("--kernel");

  if (memory == 0 || memory % 4096 != 0) throw std::runtime_error("--memory is not a multiple of 4096 bytes");
  s.boot.memory = memory;
  s.boot.kernel = {.name = w.kernel, .contents = load(s, w.kernel), .cmdline = {}, .has_cmdline = false};
  if (!w.initrd.empty())
    s.boot.modules.push_back({.name = w.initrd, .contents = load(s, w.initrd), .cmdline = {}, .has_cmdline = false});
  for (const std::string& m : w.modules) s.boot.modules.push_back(read_module(s, m));
  choose_way(s, w);
  if (w.kaslr) {
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
      throw std::system_error(errno, std::generic_category(), "getrandom");
    s.boot.random = random;
  }
  return s;
}

}  // namespace vmm
