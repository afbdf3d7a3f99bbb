// SPDX-License-Identifier: GPL-2.0-or-later
// How every command ends: one summary line, and the exit status that goes with it.
#pragma once

#include "report/model.h"
#include "session/reporting.h"

namespace raid56::session {

/// Writes the summary, whose exit status and `interrupted` follow from its verdict. Returns the exit
/// status: 8, with a sentence on stderr, where the report could not be written.
int conclude(const World& world, report::Writer& writer, report::Summary summary);
/// The same, and the page before it: a run whose page cannot be written has failed.
int conclude(const World& world, Reporting& reporting, report::Summary summary);

}  // namespace raid56::session
