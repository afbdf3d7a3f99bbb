// SPDX-License-Identifier: GPL-2.0-or-later
// The words of the report for people, the same on a terminal and on a page. Pure.
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

namespace raid56::report {

/// Bytes with their binary unit: "1.50 GiB".
std::string human_bytes(uint64_t bytes);

std::string role_words(scrub::Role role);
std::string cause_words(scrub::Cause cause);
std::string proof_words(scrub::Proof proof);
/// Whether it can be put right, and what proves that.
std::string remedy_words(const scrub::Damage& event);
/// Which column is suspect, and in how many bytes; empty where none is.
std::string suspect_words(const scrub::Damage& event);
/// A file by its path, printable, or by what else is known of it.
std::string file_words(const FilePart& part);
/// Of which tree a block that cannot be had was, and of which inodes.
std::string tree_words(const HurtTree& tree);
/// A file or directory, and what it loses with such a block.
std::string object_words(const HurtObject& hurt);

/// A count of the summary: the name of its field in the JSON lines, and what it counts.
struct Figure {
    const char* field;
    const char* words;
    uint64_t value = 0;
    bool bytes = false;
};
std::string figure_value(const Figure& figure);

/// Whether the command checks anything.
bool has_figures(const Summary& event);
std::vector<Figure> checked_figures(const Summary& event);
/// Those that are 0, too.
std::vector<Figure> found_figures(const Summary& event);
/// How much was read, in what time, with what.
std::string read_words(const Summary& event);

std::string verdict_sentence(const Summary& event);
/// What was left out; empty where nothing was.
std::vector<std::string> part_sentences(const Summary& event);
/// What became of the devices.
std::string modified_sentence(const Summary& event);
std::string distrust_sentence(uint64_t devid);
inline constexpr const char* kFilesIncomplete =
    "Parts of the trees cannot be had: files may be hurt that are not named.";

}  // namespace raid56::report
