// SPDX-License-Identifier: BSL-1.0
//
// The report: TAP version 14, a line for each clause and one for each other finding of lint.
#pragma once

#include <pvhboot/pvh/oddity.hpp>

namespace conformance {

enum class clause : unsigned {
#define CLAUSE(name, sentence, source) name,
#include "clauses.def"
  count
};

/// Begins the report.
void begin();
/// A clause holds, or not; `where` is what breaks it.
void holds(clause c);
void broken(clause c, uint64_t where);
/// A clause that cannot be checked here, and why.
void skipped(clause c, pvhboot::string_ref why);
/// Something odd that breaks no clause.
void note(pvhboot::finding f);
/// A line of comment.
void comment(pvhboot::string_ref what, pvhboot::string_ref text);
void comment(pvhboot::string_ref what, uint64_t number);

/// The clause of an oddity; clause::count if it has none.
clause clause_of(pvhboot::oddity what);

/// Prints every clause in order, those without a result as skipped, and the plan. Whether none is broken.
bool end();

}  // namespace conformance
