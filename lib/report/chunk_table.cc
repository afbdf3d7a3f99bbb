// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/chunk_table.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <set>

#include "report/words.h"
#include "volume/losses.h"

namespace raid56::report {
namespace {

constexpr size_t kColumns = 8;
using Cells = std::array<std::string, kColumns>;

const Cells kHeading = {"logical", "length", "kind", "profile", "devices", "missing", "whole", "more losses"};
constexpr std::array<bool, kColumns> kIsNumber = {true, true, false, false, true, false, false, true};

std::string devids(const std::vector<uint64_t>& list) {
    std::string text;
    for (const uint64_t devid : list) text += (text.empty() ? "" : " ") + std::to_string(devid);
    return text.empty() ? "-" : text;
}

Cells cells_of(const ChunkRow& row) {
    return {std::to_string(row.logical),
            human_bytes(row.length),
            row.kind,
            row.profile,
            std::to_string(row.devices),
            devids(row.missing),
            row.whole ? "yes" : "LOST",
            std::to_string(row.further_losses)};
}

}  // namespace

ChunkRow chunk_row(const volume::Volume& volume, const volume::MappedChunk& mapped) {
    const auto& chunk = mapped.chunk;
    std::set<uint64_t> missing;
    for (const unsigned index : mapped.members) {
        const auto& member = volume.members()[index];
        if (member.device == nullptr) missing.insert(member.devid.v);
    }
    ChunkRow row;
    row.logical = chunk.start.v;
    row.length = chunk.length;
    row.kind = format::kind_name(chunk.kind);
    row.profile = format::profile_name(chunk.profile);
    row.devices = std::set<unsigned>(mapped.members.begin(), mapped.members.end()).size();
    row.missing.assign(missing.begin(), missing.end());
    row.whole = volume::survives(volume, mapped);
    row.further_losses = volume::further_losses(volume, mapped);
    return row;
}

void write_chunk_table(std::ostream& out, const std::vector<ChunkRow>& rows) {
    std::vector<Cells> lines = {kHeading};
    for (const auto& row : rows) lines.push_back(cells_of(row));
    std::array<size_t, kColumns> widths{};
    for (const auto& line : lines)
        for (size_t c = 0; c < kColumns; c++) widths[c] = std::max(widths[c], line[c].size());
    for (const auto& line : lines) {
        for (size_t c = 0; c < kColumns; c++)
            out << "  " << (kIsNumber[c] ? std::right : std::left) << std::setw(static_cast<int>(widths[c])) << line[c];
        out << '\n';
    }
}

void write_chunk_sum(std::ostream& out, const std::vector<ChunkRow>& rows, std::optional<unsigned> further_losses) {
    const auto lost = std::count_if(rows.begin(), rows.end(), [](const ChunkRow& row) { return !row.whole; });
    if (!further_losses) {
        out << "How many more lost devices the file system as a whole bears is not known: not all of its chunks are.\n";
        return;
    }
    out << "The file system as a whole bears ";
    if (*further_losses == 0)
        out << "no more lost device";
    else
        out << *further_losses << " more lost device" << (*further_losses == 1 ? "" : "s");
    if (lost > 0) out << ": " << lost << (lost == 1 ? " chunk is" : " chunks are") << " LOST";
    out << ".\n";
}

}  // namespace raid56::report
