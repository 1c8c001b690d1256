// SPDX-License-Identifier: BSL-1.0
#include "render.hpp"

#include <fmt/format.h>

namespace tool {

namespace {

std::string string_of(const json& j) {
  if (j.is_null()) return "absent";
  if (j.is_string()) return '"' + printable(j.get<std::string>()) + '"';
  if (j.contains("hex")) return "bytes " + j["hex"].get<std::string>();
  if (j.contains("error")) return "not readable: " + j["error"]["message"].get<std::string>();
  return j.dump();
}

void print_error(const json& error) {
  fmt::print("{}\n", painted(ink::bad, fmt::format("error: {} ({} {:#x})", error["message"].get<std::string>(),
                                                   error["place"].get<std::string>(), error["where"].get<uint64_t>())));
}

void print_range(const char* what, const json& r) {
  const auto at = r["address"].get<uint64_t>();
  const auto size = r["size"].get<uint64_t>();
  fmt::print("  [{:#012x}, {:#012x})  {}\n", at, at + size, what);
}

/// Offset, name, value and meaning of each field that is not 0.
void print_fields(const json& fields) {
  for (const json& f : fields) {
    const json& value = f["value"];
    const bool is_number = value.is_number();
    const bool is_zero = is_number ? value == 0 : value.get<std::string>().find_first_not_of('0') == std::string::npos;
    if (is_zero) continue;
    const std::string shown = is_number ? hex(value.get<uint64_t>()) : value.get<std::string>();
    fmt::print("  {:#05x} {:<24} {:<18} {}\n", f["offset"].get<unsigned>(), f["name"].get<std::string>(),
               shown.size() > 32 ? shown.substr(0, 29) + "..." : shown,
               painted(ink::faint, f["meaning"].get<std::string>()));
  }
}

void print_kernel(const json& k) {
  if (k.contains("error")) print_error(k["error"]);
  if (k.contains("class")) {
    fmt::print("ELF class {}, [{:#x}, {:#x}), e_entry {:#x}\n", k["class"].get<int>(), k["address"].get<uint64_t>(),
               k["address"].get<uint64_t>() + k["size"].get<uint64_t>(), k["e_entry"].get<uint64_t>());
    const json& entry = k["phys32_entry"];
    if (entry.contains("error"))
      print_error(entry["error"]);
    else
      fmt::print("PVH entry {:#x}, by the note at offset {:#x}{}\n", entry["address"].get<uint64_t>(),
                 entry["offset"].get<uint64_t>(), entry["differs"].get<bool>() ? "; other notes differ" : "");
    if (const json& reloc = k["phys32_reloc"]; reloc.is_object() && reloc.contains("alignment"))
      fmt::print("relocatable by {:#x} within [{:#x}, {:#x}]\n", reloc["alignment"].get<uint64_t>(),
                 reloc["minimum"].get<uint64_t>(), reloc["maximum"].get<uint64_t>());
    fmt::print("\nsegments: type, flags, file, memory\n");
    for (const json& s : k["segments"])
      fmt::print("  {:>10} {}{}{}  {:#10x} + {:#x} -> {:#x} + {:#x}\n", s["type"].get<uint32_t>(),
                 (s["flags"].get<unsigned>() & 4u) != 0 ? 'r' : '-', (s["flags"].get<unsigned>() & 2u) != 0 ? 'w' : '-',
                 (s["flags"].get<unsigned>() & 1u) != 0 ? 'x' : '-', s["offset"].get<uint64_t>(),
                 s["file_size"].get<uint64_t>(), s["address"].get<uint64_t>(), s["memory_size"].get<uint64_t>());
    fmt::print("\nnotes\n");
    for (const json& n : k["notes"])
      fmt::print("  {:#010x} {:<8} type {:<5} {}{}\n", n["offset"].get<uint64_t>(), string_of(n["owner"]),
                 n["type"].get<uint32_t>(), n["descriptor"].get<std::string>().substr(0, 48),
                 n["in"] == "section" ? "  (in a section only)" : "");
  }
  fmt::print("\n");
  print_verdicts(k["verdicts"]);
}

void print_bzimage(const json& b) {
  if (b.contains("error")) print_error(b["error"]);
  if (b.contains("protocol")) {
    const json& payload = b["payload"];
    fmt::print("Linux {}, boot protocol {}\n", string_of(b["version"]), b["protocol"].get<std::string>());
    fmt::print("payload: {} at offset {:#x}, {} bytes, {} unpacked\n", payload["format"].get<std::string>(),
               payload["offset"].get<uint64_t>(), payload["size"].get<uint64_t>(),
               payload["uncompressed_size"].get<uint64_t>());
    fmt::print("prefers {:#x}, needs {:#x} bytes, {}, command line up to {} bytes\n\n",
               b["pref_address"].get<uint64_t>(), b["init_size"].get<uint64_t>(),
               b["relocatable"].get<bool>() ? "relocatable" : "not relocatable", b["cmdline_size"].get<uint64_t>());
  }
  print_verdicts(b["verdicts"]);
}

void print_node(const json& n) {
  if (n.contains("type"))
    fmt::print("  {:#012x} {:<16} type {:#x}, {} bytes\n", n["address"].get<uint64_t>(), n["name"].get<std::string>(),
               n["type"].get<uint32_t>(), n["size"].get<uint64_t>());
  if (n.contains("indirect"))
    fmt::print("    type {:#x}, {} bytes at {:#x}\n", n["indirect"]["type"].get<uint32_t>(),
               n["indirect"]["size"].get<uint64_t>(), n["indirect"]["address"].get<uint64_t>());
  if (n.contains("error")) print_error(n["error"]);
}

void print_zero_page(const json& z) {
  if (z.contains("address"))
    fmt::print("{}\n", painted(ink::strong, fmt::format("zero page at {:#x}", z["address"].get<uint64_t>())));
  if (z.contains("error")) print_error(z["error"]);
  print_fields(z["fields"]);
  if (z.contains("setup_data")) {
    fmt::print("setup_data: {} nodes\n", z["setup_data"].size());
    for (const json& n : z["setup_data"]) print_node(n);
  }
  if (z.contains("memory_map")) {
    fmt::print("memory map: {} entries\n", z["memory_map"].size());
    print_memory_map(z["memory_map"]);
  }
}

}  // namespace

void print_memory_map(const json& memory_map) {
  for (const json& r : memory_map) print_range(r["name"].get<std::string>().c_str(), r);
}

void print_findings(const json& findings) {
  for (const json& f : findings) {
    const auto level = f["level"].get<std::string>();
    const ink colour = level == "error" ? ink::bad : level == "warning" ? ink::warning : ink::faint;
    fmt::print("{}: {} ({} {:#x}){}\n", painted(colour, level), f["message"].get<std::string>(),
               f["where"].get<std::string>(), f["address"].get<uint64_t>(),
               f["fails"].get<std::string>().empty() ? "" : "; " + f["fails"].get<std::string>());
  }
  if (findings.empty()) fmt::print("{}\n", painted(ink::good, "nothing is odd"));
}

void print_verdicts(const json& verdicts) {
  for (const json& v : verdicts) {
    const bool boots = v["boots"].get<bool>();
    const auto entry = v["entry"].get<uint64_t>();
    fmt::print("{} {:<20} {}{}: {}\n", boots ? painted(ink::good, "yes") : painted(ink::bad, "no "),
               v["name"].get<std::string>(), v["outcome"].get<std::string>(),
               entry != 0 ? fmt::format(" at {:#x}", entry) : std::string{}, v["message"].get<std::string>());
    if (const auto remedy = v["remedy"].get<std::string>(); !boots && !remedy.empty()) fmt::print("    {}\n", remedy);
  }
}

void print_handoff(const json& h) {
  fmt::print("{}\n", painted(ink::strong, fmt::format("start_info at {:#x}", h["address"].get<uint64_t>())));
  if (h.contains("error")) {
    print_error(h["error"]);
    return;
  }
  print_fields(h["fields"]);
  fmt::print("command line: {}\n", string_of(h["cmdline"]));
  fmt::print("RSDP: {}\n", h["rsdp"]["state"].get<std::string>());
  for (const json& m : h["modules"]) {
    print_range("module", m);
    if (!m["cmdline"].is_null()) fmt::print("    command line: {}\n", string_of(m["cmdline"]));
  }
  fmt::print("memory map: {} entries\n", h["memory_map"].size());
  print_memory_map(h["memory_map"]);
  fmt::print("findings\n");
  print_findings(h["findings"]);
}

void print_inspect(const json& document) {
  fmt::print("{}: {}, {} bytes\n", printable(document["file"].get<std::string>()), document["kind"].get<std::string>(),
             document["size"].get<uint64_t>());
  if (document.contains("kernel")) print_kernel(document["kernel"]);
  if (document.contains("bzimage")) print_bzimage(document["bzimage"]);
  if (document.contains("zero_page")) print_zero_page(document["zero_page"]);
  if (document.contains("memory")) {
    const json& memory = document["memory"];
    fmt::print("{} of {} pieces\n", memory["format"].get<std::string>(), memory["pieces"].size());
    for (const json& h : memory["handoffs"]) print_handoff(h);
    if (memory["handoffs"].empty()) fmt::print("no start_info was found\n");
    for (const json& z : memory["zero_pages"]) print_zero_page(z);
  }
}

}  // namespace tool
