// SPDX-License-Identifier: BSL-1.0
//
// The machine that this program runs on: its zero page, the memory map of its firmware, the notes of its kernel.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "commands.hpp"
#include "document/kernel.hpp"
#include "document_text.hpp"
#include "file.hpp"
#include "render.hpp"

namespace tool {

namespace {

namespace fs = std::filesystem;

std::string line_of(const fs::path& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

/// /sys/firmware/memmap/N/{start,end,type}: inclusive ends.
json firmware_map(const fs::path& folder) {
  std::error_code none;
  std::vector<std::pair<int, json>> entries;
  for (const auto& entry : fs::directory_iterator{folder, none}) {
    const std::string number = entry.path().filename();
    const uint64_t start = std::stoull(line_of(entry.path() / "start"), nullptr, 16);
    const uint64_t end = std::stoull(line_of(entry.path() / "end"), nullptr, 16);
    entries.emplace_back(std::stoi(number),
                         json{{"address", start}, {"size", end - start + 1}, {"name", line_of(entry.path() / "type")}});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  json list = json::array();
  for (const auto& [number, entry] : entries) list.push_back(entry);
  return list;
}

/// /sys/kernel/boot_params/setup_data/N/{type,data}.
json setup_data(const fs::path& folder) {
  std::error_code none;
  json list = json::array();
  for (const auto& entry : fs::directory_iterator{folder, none}) {
    const file data{entry.path() / "data"};
    list.push_back({{"number", entry.path().filename().string()},
                    {"type", line_of(entry.path() / "type")},
                    {"size", data.bytes().size()}});
  }
  return list;
}

json notes(const std::string& name) {
  const file input{name};
  json list = json::array();
  for (const pvhboot::elf_note& n : pvhboot::elf_notes{input.bytes()})
    list.push_back(parsed_object([&](document::json_writer& out) { document::write_note(out, n); }));
  return list;
}

}  // namespace

int command_host(const std::string& root, bool as_json) {
  const fs::path sys = fs::path{root} / "sys";
  json document{{"schema", "pvhboot/host/1"}};
  const auto add = [&](const char* key, const fs::path& path, const auto& make) {
    if (!fs::exists(path)) {
      document[key] = {{"absent", path.string()}};
      return;
    }
    document[key] = make();
  };
  const fs::path page = sys / "kernel/boot_params/data";
  add("zero_page", page, [&] {
    const file input{page};
    if (input.bytes().size() != sizeof(pvhboot::abi::boot_params))
      throw bad_input(fmt::format("{}: {} bytes instead of 4096", page.string(), input.bytes().size()));
    return zero_page_to_json(pvhboot::load_once<pvhboot::abi::boot_params>(input.bytes().data()));
  });
  add("setup_data", sys / "kernel/boot_params/setup_data",
      [&] { return setup_data(sys / "kernel/boot_params/setup_data"); });
  add("firmware_memory_map", sys / "firmware/memmap", [&] { return firmware_map(sys / "firmware/memmap"); });
  add("notes", sys / "kernel/notes", [&] { return notes(sys / "kernel/notes"); });
  if (as_json) {
    print_json(document);
    return 0;
  }
  for (const char* key : {"zero_page", "setup_data", "firmware_memory_map", "notes"})
    if (document[key].is_object() && document[key].contains("absent"))
      fmt::print("{}: {} is not there\n", key, document[key]["absent"].get<std::string>());
  if (document["zero_page"].contains("fields"))
    print_inspect(
        {{"file", page.string()}, {"kind", "zero page"}, {"size", 4096}, {"zero_page", document["zero_page"]}});
  if (document["firmware_memory_map"].is_array()) {
    fmt::print("\nthe firmware's memory map\n");
    print_memory_map(document["firmware_memory_map"]);
  }
  if (document["notes"].is_array())
    for (const json& n : document["notes"])
      fmt::print("note {} type {} {}\n", n["owner"].dump(), n["type"].get<uint32_t>(),
                 n["descriptor"].get<std::string>());
  return 0;
}

}  // namespace tool
