// SPDX-License-Identifier: BSL-1.0
//
// pvhboot inspect --json: any file is refused with a sentence or becomes a document that JSON can hold, and printing it
// ends. The verdicts are those of explain.
//
// Input: number base, then the file.
#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
// NOLINTBEGIN(bugprone-suspicious-include): a harness is one file.
#include "../../tools/pvhboot/dump.cpp"
#include "../../tools/pvhboot/file.cpp"
#include "../../tools/pvhboot/inspect.cpp"
#include "../../tools/pvhboot/picture.cpp"
#include "../../tools/pvhboot/scan.cpp"
#include "../../tools/pvhboot/text.cpp"
// NOLINTEND(bugprone-suspicious-include)
#include "harness.hpp"

namespace {

using namespace fuzz;
using tool::json;

void law_picture(const json& part) {
  std::vector<tool::document::mark> marks;
  for (const json& r : part["memory_map"])
    marks.push_back({r["address"], r["size"], r["name"].get_ref<const std::string&>(),
                     pvhboot::memory_type{r["type"].get<uint32_t>()}});
  for (const json& e : part["extents"])
    marks.push_back({e["address"], e["size"], e["what"].get_ref<const std::string&>(), {}});
  LAW(tool::picture_as_svg(marks, "<&\">").find("<svg ") == 0);
  static_cast<void>(tool::picture_as_text(marks, 80));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const uint64_t base = in.number();
  const span<const uint8_t> file = in.rest();
  json document;
  try {
    document = tool::inspect(file, "file", base, {});
  } catch (const tool::bad_input& why) {
    LAW(*why.what() != '\0');
    return 0;
  }
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::strict);
  LAW(json::parse(text) == document);
  LAW(document["size"] == file.size());
  for (const char* key : {"kernel", "bzimage"}) {
    if (!document.contains(key)) continue;
    const json& verdicts = document[key]["verdicts"];
    LAW(verdicts.size() == pvhboot::image_readers);
    for (size_t i = 0; i < verdicts.size(); ++i) {
      const auto v = pvhboot::explain(file, static_cast<pvhboot::image_reader>(i));
      LAW(verdicts[i]["entry"] == v.entry && verdicts[i]["reason"] == tool::text(name(v.reason)));
    }
  }
  if (document.contains("memory"))
    for (const json& h : document["memory"]["handoffs"])
      if (!h.contains("error")) law_picture(h);
  return 0;
}
