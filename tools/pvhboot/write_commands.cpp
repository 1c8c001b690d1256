// SPDX-License-Identifier: BSL-1.0
//
// The commands that make something: note, plan, write.
#include <sys/stat.h>

#include <deque>

#include <fmt/format.h>

#include <pvhboot/pvh/patch_note.hpp>
#include <pvhboot/pvh/plan.hpp>

#include "commands.hpp"
#include "document/values.hpp"
#include "document_text.hpp"
#include "file.hpp"
#include "render.hpp"

namespace tool {

namespace {

using pvhboot::memory_range;
using pvhboot::memory_type;
using pvhboot::span;

[[noreturn]] void refuse(const std::string& name, const pvhboot::failure& f) { throw bad_input(name + ": " + text(f)); }

template <class T> T must(const std::string& name, const pvhboot::result<T>& r) {
  if (!r) refuse(name, r.error());
  return *r;
}

/// A member of an object; absent means 0.
uint64_t number_in(const json& object, const char* key, uint64_t highest = ~uint64_t{}) {
  if (!object.contains(key)) return 0;
  const json& value = object[key];
  if (!value.is_number_unsigned() || value.get<uint64_t>() > highest)
    throw bad_input(fmt::format("\"{}\" is {}, not a number from 0 to {:#x}", key, value.dump(), highest));
  return value.get<uint64_t>();
}

/// A handoff out of JSON, with its lists and texts.
struct handoff_values {
  std::deque<std::string> texts;
  std::vector<pvhboot::handoff_module> modules;
  std::vector<memory_range> map;
  std::vector<uint32_t> map_reserved;
  pvhboot::handoff values{};

  pvhboot::string_ref keep(const json& object, const char* key) {
    if (!object.contains(key) || object[key].is_null()) return {};
    if (object[key].is_object() && object[key].contains("error")) return {};  // it could not be read
    texts.push_back(bytes_of(object[key]));
    return {texts.back().data(), texts.back().size()};
  }

  explicit handoff_values(const json& j) {
    constexpr uint64_t highest_32 = 0xffffffff;
    if (!j.is_object()) throw bad_input("a handoff is an object");
    values.version = static_cast<uint32_t>(j.contains("version") ? number_in(j, "version", highest_32) : 1);
    values.flags = static_cast<uint32_t>(number_in(j, "flags", highest_32));
    values.cmdline = keep(j, "cmdline");
    if (j.contains("rsdp"))
      values.rsdp_paddr = j["rsdp"].is_object() ? number_in(j["rsdp"], "address") : number_in(j, "rsdp");
    for (const json& m : j.value("modules", json::array()))
      modules.push_back({number_in(m, "address"), number_in(m, "size"), keep(m, "cmdline"), number_in(m, "reserved")});
    for (const json& r : j.value("memory_map", json::array())) {
      map.push_back({number_in(r, "address"), number_in(r, "size"),
                     memory_type{static_cast<uint32_t>(number_in(r, "type", highest_32))}});
      map_reserved.push_back(static_cast<uint32_t>(number_in(r, "reserved", highest_32)));
    }
    values.modules = {modules.data(), modules.size()};
    values.memmap = {map.data(), map.size()};
    values.memmap_reserved = {map_reserved.data(), map_reserved.size()};
  }
};

json placed(const std::string& what, uint64_t address, uint64_t size) {
  return {{"what", what}, {"address", address}, {"size", size}};
}

uint64_t size_of_file(const std::string& name) { return file{name}.bytes().size(); }

}  // namespace

int command_note(note_change change, const std::string& name, const std::string& output, uint32_t entry, bool as_json) {
  const file input{name};
  std::vector<uint8_t> image(input.bytes().begin(), input.bytes().end());
  const size_t size = image.size();
  json report{{"schema", "pvhboot/note/1"}, {"file", input.name()}, {"output", output}};
  if (change == note_change::remove) {
    report["removed"] = must(name, pvhboot::remove_phys32_entry({image.data(), size}));
  } else {
    const auto parsed = pvhboot::parse_elf(input.bytes());
    if (!parsed) refuse(name, parsed.error());
    if (const auto known = pvhboot::find_phys32_entry(*parsed); change == note_change::add && known)
      throw bad_input(
          fmt::format("{}: there is a note with the entry {:#x} already; `note set` changes it", name, known->paddr));
    auto done = pvhboot::set_phys32_entry({image.data(), image.size()}, size, entry);
    if (!done && done.error().code == pvhboot::errc::note_no_room) {
      image.resize(static_cast<size_t>(done.error().where));
      done = pvhboot::set_phys32_entry({image.data(), image.size()}, size, entry);
    }
    image.resize(must(name, done));
    report["entry"] = entry;
  }
  report["size"] = image.size();
  size_t changed = image.size() - size;
  for (size_t i = 0; i < size; ++i) changed += image[i] != input.bytes()[i] ? 1u : 0u;
  report["changed_bytes"] = changed;
  write_file(output, {image.data(), image.size()});
  struct stat status {};
  if (stat(name.c_str(), &status) == 0 && output != "-" && output != name)
    chmod(output.c_str(), status.st_mode & 07777);
  if (output == "-") return 0;
  if (as_json)
    print_json(report);
  else
    fmt::print("{}: {} of {} bytes differ from {}\n", output, changed, image.size(), input.name());
  return 0;
}

int command_plan(const plan_options& o) {
  const file kernel{o.kernel};
  const auto image = must(o.kernel, pvhboot::parse_elf(kernel.bytes()));
  const auto entry = must(o.kernel, find_phys32_entry(image));
  const auto reloc = must(o.kernel, find_phys32_reloc(image));
  if (o.random && !reloc.relocatable)
    throw bad_input(o.kernel + ": the image has no PHYS32_RELOC note, so it cannot be placed at random");

  constexpr uint64_t hole = 0xc0000000, four_gib = uint64_t{1} << 32;  // QEMU's q35
  constexpr size_t slots = 64;
  pvhboot::memory_map_buffer<slots> buffers[2];
  pvhboot::memory_map map{buffers[0]}, free{buffers[1]};
  const auto add = [&](uint64_t address, uint64_t size) {
    if (size == 0) return;
    if (auto done = map.append({address, size, memory_type::ram}); !done) refuse("memory", done.error());
  };
  add(0, std::min<uint64_t>(o.memory, 0xa0000));
  if (o.memory > 0x100000) add(0x100000, std::min(o.memory, hole) - 0x100000);
  if (o.memory > hole) add(four_gib, o.memory - hole);
  if (auto done = map.sanitize(); !done) refuse("memory", done.error());

  std::vector<pvhboot::handoff_module> modules;
  for (const std::string& m : o.modules) modules.push_back({.size = size_of_file(m)});
  const pvhboot::boot_request request{.kernel = kernel_extent_of(image, entry, reloc),
                                      .cmdline = {o.cmdline.data(), o.cmdline.size()},
                                      .modules = {modules.data(), modules.size()},
                                      .acpi_size = o.acpi_size};
  const auto plan = o.random ? plan_boot(map, free, request, *o.random) : plan_boot(map, free, request);
  if (!plan) refuse(o.kernel, plan.error());

  json things = json::array();
  things.push_back(placed("kernel", plan->kernel_base, image.size()));
  things.push_back(placed("handoff", plan->start_info_paddr, plan->handoff.size_bytes()));
  for (size_t i = 0; i < modules.size(); ++i) things.push_back(placed(o.modules[i], modules[i].paddr, modules[i].size));
  if (o.acpi_size != 0) things.push_back(placed("ACPI", plan->handoff.rsdp_paddr, o.acpi_size));
  json document{{"schema", "pvhboot/plan/1"}, {"entry", plan->entry}, {"start_info", plan->start_info_paddr},
                {"bases", plan->bases},       {"placed", things},     {"memory_map", json::array()}};
  for (const memory_range& r : map)
    document["memory_map"].push_back(parsed_object([&](document::json_writer& out) { document::write_range(out, r); }));
  if (o.as_json) {
    print_json(document);
    return 0;
  }
  fmt::print("entry {:#x}, start_info {:#x}{}\n", plan->entry, plan->start_info_paddr,
             plan->bases > 1 ? fmt::format(", one of {} bases", plan->bases) : std::string{});
  for (const json& t : things)
    fmt::print("  [{:#012x}, {:#012x}) {}\n", t["address"].get<uint64_t>(),
               t["address"].get<uint64_t>() + t["size"].get<uint64_t>(), printable(t["what"].get<std::string>()));
  fmt::print("memory map\n");
  print_memory_map(document["memory_map"]);
  return 0;
}

int command_write(const std::string& name, const std::string& output, uint64_t address) {
  const file input{name};
  const auto* const first = reinterpret_cast<const char*>(input.bytes().data());
  json document;
  try {
    document = json::parse(first, first + input.bytes().size());
    // What `inspect --json` prints will do.
    if (document.is_object() && document.contains("memory") && document["memory"].contains("handoffs") &&
        !document["memory"]["handoffs"].empty())
      document = document["memory"]["handoffs"][0];
    const handoff_values h{document};
    const uint64_t size = h.values.size_bytes();
    if (size > uint64_t{1} << 32) throw bad_input(fmt::format("the handoff would have {} bytes", size));
    std::vector<uint8_t> block(static_cast<size_t>(size));
    if (auto done = pvhboot::write(h.values, pvhboot::writable_window{address, {block.data(), block.size()}}, address);
        !done)
      refuse(name, done.error());
    write_file(output, {block.data(), block.size()});
  } catch (const json::exception& why) {
    throw bad_input(name + ": " + why.what());
  }
  return 0;
}

}  // namespace tool
