// SPDX-License-Identifier: BSL-1.0
#include "document/inspect.hpp"

#include <algorithm>

#include "document_text.hpp"
#include "kinds.hpp"

namespace tool {

namespace {

constexpr auto scratch = [](size_t slots, const auto& use) {
  std::vector<pvhboot::memory_range> ranges(slots);
  std::vector<pvhboot::sweep_slot> sweep(slots);
  pvhboot::memory_map map{{ranges.data(), slots}, {sweep.data(), slots}};
  use(map);
};

}  // namespace

std::vector<std::string> reader_names() {
  std::vector<std::string> names;
  for (const auto& name : document::reader_names) names.push_back(text(name));
  return names;
}

json verdicts_to_json(pvhboot::span<const uint8_t> file, const std::vector<std::string>& readers) {
  const json all = parsed_object([&](document::json_writer& out) { document::write_verdicts(out, file); });
  json list = json::array();
  for (const json& v : all["verdicts"]) {
    const auto reader = v["reader"].get<std::string>();
    if (readers.empty() || std::find(readers.begin(), readers.end(), reader) != readers.end()) list.push_back(v);
  }
  return list;
}

json zero_page_to_json(const pvhboot::abi::boot_params& page) {
  return parsed_object([&](document::json_writer& out) {
    document::write_zero_page(out, page, static_cast<const dump_memory*>(nullptr), scratch);
  });
}

json inspect(pvhboot::span<const uint8_t> file, const std::string& name, uint64_t base,
             std::optional<uint64_t> start_info, const marked_pages* marked) {
  const auto write_dump = [&](document::json_writer& out) {
    const dump d = recognise(file) == kind::core ? dump::core(file) : dump::raw(file, base);
    const auto places = start_info ? dump::places{{*start_info}, {}} : d.find(marked);
    document::write_memory(out, d.format(), d.memory(), {places.start_info.data(), places.start_info.size()},
                           {places.zero_pages.data(), places.zero_pages.size()}, scratch);
  };
  json j = parsed([&](document::json_writer& out) { document::write_inspect(out, file, "", scratch, write_dump); });
  j["file"] = name;  // it may be no UTF-8
  return j;
}

}  // namespace tool
