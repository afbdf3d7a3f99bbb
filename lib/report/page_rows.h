// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the tables on a page. Pure.
#pragma once

#include "report/hurt_files.h"
#include "report/markup.h"
#include "report/model.h"

namespace raid56::report {

/// `files`: as report::Writer has them.
Markup finding_row(const scrub::Damage& event, const HurtFiles* files);
Markup object_heads();
/// What hangs on a tree block of that logical address.
Markup object_row(const scrub::Damage& event, const HurtObject& hurt);
Markup unknown_row(const scrub::Unknown& event);
Markup finding_heads(bool with_files);

Markup write_row(const ActionEvent& event);
Markup write_heads();

Markup file_rows(const FileList& list);
Markup file_heads();

}  // namespace raid56::report
