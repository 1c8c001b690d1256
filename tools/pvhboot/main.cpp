// SPDX-License-Identifier: BSL-1.0
//
// pvhboot: reads, explains, checks and makes what the PVH boot protocol consists of.
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <pvhboot/version.hpp>

#include "commands.hpp"

namespace {

using namespace tool;

constexpr int unreadable = 2;

void add_dump_options(CLI::App& command, dump_options& o) {
  command.add_option("file", o.name, "a kernel, bzImage, zero page, core or memory dump; - for standard input")
      ->required();
  command.add_option("--base", o.base, "the physical address of the first byte of a raw dump");
  command.add_option("--start-info", o.start_info,
                     "the address of start_info; otherwise its magic number is searched for");
  command.add_flag("--json", o.as_json, "print JSON; share/pvhboot/schema has its schema");
}

int run(int argc, char** argv) {
  CLI::App app{"Reads, explains, checks and makes what the PVH boot protocol consists of."};
  app.set_version_flag("--version",
                       fmt::format("{}.{}.{}", PVHBOOT_VERSION_MAJOR, PVHBOOT_VERSION_MINOR, PVHBOOT_VERSION_PATCH));
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0; 1 if an image does not boot, lint finds a fault, or two files differ; 2 for unreadable input.");
  int status = 0;

  dump_options inspected, linted, mapped, first, second;
  auto* const inspect = app.add_subcommand("inspect", "print everything that a file has");
  add_dump_options(*inspect, inspected);
  inspect->callback([&] { status = command_inspect(inspected); });

  std::string image, output, source, root = "/";
  std::vector<std::string> readers;
  bool as_json = false;
  auto* const explain =
      app.add_subcommand("explain", "list which VMMs boot a kernel, why others do not, and what to change");
  explain->add_option("file", image, "a kernel image")->required();
  explain->add_option("--for", readers, "only these readers")->delimiter(',')->check(CLI::IsMember(reader_names()));
  explain->add_flag("--json", as_json, "print JSON");
  explain->callback([&] { status = command_explain(image, readers, as_json); });

  auto* const lint = app.add_subcommand("lint", "list what is odd about a handoff, and who fails on it");
  add_dump_options(*lint, linted);
  lint->callback([&] { status = command_lint(linted); });

  std::string svg;
  auto* const map = app.add_subcommand("map", "draw the memory map of a handoff or zero page");
  add_dump_options(*map, mapped);
  map->add_option("--svg", svg, "write the picture to a file instead");
  map->callback([&] { status = command_map(mapped, svg); });

  auto* const diff = app.add_subcommand("diff", "compare two handoffs or two zero pages field by field");
  diff->add_option("a", first.name, "a zero page, core or memory dump")->required();
  diff->add_option("b", second.name, "another one")->required();
  diff->add_option("--base", first.base, "the physical address of the first byte of raw dumps");
  diff->add_flag("--json", first.as_json, "print JSON");
  diff->callback([&] {
    second.base = first.base;
    status = command_diff(first, second);
  });

  auto* const note = app.add_subcommand("note", "add, set or remove the PHYS32_ENTRY note of an ELF kernel");
  note->require_subcommand(1);
  uint32_t entry = 0;
  const auto add_note = [&](const char* name, const char* what, note_change change) {
    auto* const command = note->add_subcommand(name, what);
    command->add_option("file", image, "the kernel")->required();
    command->add_option("-o,--output", output, "the file to write; - for standard output")->required();
    if (change != note_change::remove)
      command->add_option("--entry", entry, "the physical address of the entry")->required();
    command->add_flag("--json", as_json, "print JSON");
    command->callback([&, change] { status = command_note(change, image, output, entry, as_json); });
  };
  add_note("add", "add a note to a kernel that has none", note_change::add);
  add_note("set", "add a note, or correct those that there are", note_change::set);
  add_note("remove", "take the type from every note", note_change::remove);

  plan_options planned;
  uint64_t memory = uint64_t{256} << 20;
  std::string initrd;
  std::vector<std::string> modules;
  auto* const plan = app.add_subcommand("plan", "print what would lie where in a guest's memory");
  plan->add_option("kernel", planned.kernel, "an ELF kernel with a PHYS32_ENTRY note")->required();
  plan->add_option("--initrd", initrd, "the first module");
  plan->add_option("--module", modules, "another module");
  plan->add_option("--memory", memory, "size of RAM")->transform(CLI::AsSizeValue(false))->default_str("256M");
  plan->add_option("--append", planned.cmdline, "the command line");
  plan->add_option("--acpi-size", planned.acpi_size, "bytes of the ACPI tables");
  plan->add_option("--random", planned.random, "64 random bits: the base of a relocatable kernel is chosen by them");
  plan->add_flag("--json", planned.as_json, "print JSON");
  plan->callback([&] {
    if (!initrd.empty()) planned.modules.push_back(initrd);
    planned.modules.insert(planned.modules.end(), modules.begin(), modules.end());
    planned.memory = memory;
    status = command_plan(planned);
  });

  uint64_t address = 0x6000;
  auto* const write = app.add_subcommand("write", "write a handoff that is given as JSON");
  write->add_option("file", source, "what `inspect --json` prints, or a handoff of it; - for standard input")
      ->required();
  write->add_option("-o,--output", output, "the file to write: a raw dump of the handoff")->required();
  write->add_option("--address", address, "where start_info lies in the guest's memory")->capture_default_str();
  write->callback([&] { status = command_write(source, output, address); });

  auto* const host = app.add_subcommand("host", "print how this machine was booted");
  host->add_option("--root", root, "the root of the file system")->capture_default_str();
  host->add_flag("--json", as_json, "print JSON");
  host->callback([&] { status = command_host(root, as_json); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : unreadable;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    if (std::fflush(stdout) != 0) throw tool::bad_input("standard output cannot be written");
    return status;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    fmt::print(stderr, "pvhboot: {}\n", e.what());
    return unreadable;
  }
}
