// SPDX-License-Identifier: BSL-1.0
#include "tap.hpp"

#include "../common/console.hpp"

namespace conformance {

namespace {

using example::hex;
using example::line;
using pvhboot::string_ref;

constexpr unsigned clauses = static_cast<unsigned>(clause::count);
constexpr string_ref names[] = {
#define CLAUSE(name, sentence, source) {#name, sizeof #name - 1},
#include "clauses.def"
};
constexpr string_ref sentences[] = {
#define CLAUSE(name, sentence, source) {(sentence), sizeof(sentence) - 1},
#include "clauses.def"
};

enum class state : uint8_t { unknown, ok, not_ok, skip };
struct outcome {
  state what;
  uint64_t where;
  string_ref why;
};
outcome outcomes[clauses];

constexpr size_t max_findings = 64;
pvhboot::finding findings[max_findings];
size_t found;

}  // namespace

void begin() { line("TAP version 14"); }

void holds(clause c) {
  outcome& o = outcomes[static_cast<unsigned>(c)];
  if (o.what == state::unknown) o.what = state::ok;
}
void broken(clause c, uint64_t where) {
  outcome& o = outcomes[static_cast<unsigned>(c)];
  if (o.what != state::not_ok) o = {state::not_ok, where, {}};
}
void skipped(clause c, string_ref why) {
  outcome& o = outcomes[static_cast<unsigned>(c)];
  if (o.what == state::unknown) o = {state::skip, 0, why};
}

void note(pvhboot::finding f) {
  for (size_t i = 0; i < found; ++i)
    if (findings[i].what == f.what) return;
  if (found < max_findings) findings[found++] = f;
}

void comment(string_ref what, string_ref t) { line("# ", what, " ", t); }
void comment(string_ref what, uint64_t number) { line("# ", what, " ", hex{number}); }

clause clause_of(pvhboot::oddity what) {
#define CLAUSE(name, sentence, source)
#define ODDITY_CLAUSE(name, odd, sentence, source) \
  if (what == pvhboot::oddity::odd) return clause::name;
#include "clauses.def"
  return clause::count;
}

bool end() {
  bool good = true;
  uint32_t number = 0;
  for (unsigned i = 0; i < clauses; ++i) {
    const outcome& o = outcomes[i];
    good = good && o.what != state::not_ok;
    example::put(string_ref{o.what == state::not_ok ? "not ok " : "ok ", o.what == state::not_ok ? 7u : 3u});
    example::put(++number);
    example::put(" - ");
    example::put(names[i]);
    example::put(": ");
    example::put(sentences[i]);
    if (o.what == state::not_ok)
      line(" (", hex{o.where}, ")");
    else if (o.what == state::ok)
      line();
    else
      line(" # SKIP ", o.what == state::skip ? o.why : string_ref{"not reached", 11});
  }
  for (size_t i = 0; i < found; ++i)
    line("ok ", ++number, " - ", message(findings[i].what), " (", hex{findings[i].where}, ") # lint ",
         name(findings[i].what));
  line("1..", number);
  return good;
}

}  // namespace conformance
