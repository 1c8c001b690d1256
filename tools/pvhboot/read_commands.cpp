// SPDX-License-Identifier: BSL-1.0
//
// The commands that read: inspect, explain, lint, map.
#include <algorithm>

#include <fmt/format.h>

#include "commands.hpp"
#include "file.hpp"
#include "picture.hpp"
#include "render.hpp"

namespace tool {

namespace {

constexpr unsigned terminal_width = 80;

/// The labels refer to the document.
void add_marks(std::vector<document::mark>& marks, const json& ranges, const char* label) {
  for (const json& r : ranges)
    marks.push_back({.address = r["address"].get<uint64_t>(),
                     .size = r["size"].get<uint64_t>(),
                     .label = r[label].get_ref<const std::string&>(),
                     .type = pvhboot::memory_type{r.value("type", uint32_t{0})}});
}

}  // namespace

json read(const dump_options& o) {
  const file input{o.name};
  return inspect(input.bytes(), input.name(), o.base, o.start_info, input.marked());
}

const json& only_part(const json& document, const std::string& command) {
  if (document.contains("zero_page")) return document["zero_page"];
  if (!document.contains("memory"))
    throw bad_input(fmt::format("{}: {} has no handoff: it is an image ({})", document["file"].get<std::string>(),
                                command, document["kind"].get<std::string>()));
  const json& handoffs = document["memory"]["handoffs"];
  if (handoffs.empty())
    throw bad_input(document["file"].get<std::string>() + ": no start_info was found; --start-info names its address");
  if (handoffs[0].contains("error"))
    throw bad_input(fmt::format(
        "{}: {} ({} {:#x})", document["file"].get<std::string>(), handoffs[0]["error"]["message"].get<std::string>(),
        handoffs[0]["error"]["place"].get<std::string>(), handoffs[0]["error"]["where"].get<uint64_t>()));
  return handoffs[0];
}

void print_json(const json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, json::error_handler_t::replace));
}

int command_inspect(const dump_options& o) {
  const json document = read(o);
  if (o.as_json)
    print_json(document);
  else
    print_inspect(document);
  return 0;
}

int command_explain(const std::string& name, const std::vector<std::string>& readers, bool as_json) {
  const file input{name};
  const json verdicts = verdicts_to_json(input.bytes(), readers);
  if (as_json)
    print_json({{"schema", "pvhboot/explain/1"}, {"file", input.name()}, {"verdicts", verdicts}});
  else
    print_verdicts(verdicts);
  return std::all_of(verdicts.begin(), verdicts.end(), [](const json& v) { return v["boots"].get<bool>(); }) ? 0 : 1;
}

int command_lint(const dump_options& o) {
  const json document = read(o);
  const json& part = only_part(document, "lint");
  if (!part.contains("findings"))
    throw bad_input(document["file"].get<std::string>() + ": lint reads handoffs, and this is a zero page");
  const json& findings = part["findings"];
  if (o.as_json)
    print_json({{"schema", "pvhboot/lint/1"},
                {"file", document["file"]},
                {"start_info", part["address"]},
                {"findings", findings}});
  else
    print_findings(findings);
  return std::all_of(findings.begin(), findings.end(), [](const json& f) { return f["level"] == "info"; }) ? 0 : 1;
}

int command_map(const dump_options& o, const std::string& svg) {
  const json document = read(o);
  const json& part = only_part(document, "map");
  if (!part.contains("memory_map"))
    throw bad_input(document["file"].get<std::string>() + ": no memory map can be read");
  std::vector<document::mark> marks;
  add_marks(marks, part["memory_map"], "name");
  if (part.contains("extents")) add_marks(marks, part["extents"], "what");
  if (part.contains("initrd") && part["initrd"]["size"] != 0)
    marks.push_back({part["initrd"]["address"].get<uint64_t>(), part["initrd"]["size"].get<uint64_t>(), "initrd", {}});
  if (!svg.empty()) {
    const std::string picture = picture_as_svg(marks, document["file"].get<std::string>());
    write_file(svg, {reinterpret_cast<const uint8_t*>(picture.data()), picture.size()});
  } else if (o.as_json) {
    print_json({{"schema", "pvhboot/map/1"},
                {"file", document["file"]},
                {"memory_map", part["memory_map"]},
                {"extents", part.value("extents", json::array())}});
  } else {
    fmt::print("{}", picture_as_text(marks, terminal_width));
  }
  return 0;
}

}  // namespace tool
