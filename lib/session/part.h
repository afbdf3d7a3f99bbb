// SPDX-License-Identifier: GPL-2.0-or-later
// The part of a file system that was asked for, in the words of the command line.
#pragma once

#include <string>

#include "scrub/selection.h"

namespace raid56::session {

/// "I/N", counted from 1, at most kMostShards; nothing where it is none.
std::optional<scrub::Shard> parse_shard(const std::string& word);
/// "A-B": bytes from A up to, not including, B; nothing where it is none, or empty.
std::optional<Range> parse_range(const std::string& word);

/// The options that ask for it, but for --shard; empty where it is everything.
std::string part_words(const scrub::Choice& choice);

}  // namespace raid56::session
