// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/html.h"

#include <algorithm>

#include "report/page_rows.h"

namespace raid56::report {
namespace {

std::vector<Band> bands_of(const std::vector<ChunkPlace>& places, uint64_t devid) {
    std::vector<Band> bands;
    for (const auto& place : places)
        for (const auto& part : place.parts)
            if (part.devid == devid)
                bands.push_back(
                    {{part.physical, part.physical + place.part_length}, place.logical, place.kind, place.profile});
    std::ranges::sort(bands, {}, [](const Band& band) { return band.place.start; });
    return bands;
}

// A device whose item says nothing of its size reaches as far as what lies on it.
uint64_t length_of(const DeviceEvent& event, const std::vector<Band>& bands) {
    if (event.total_bytes != 0) return event.total_bytes;
    uint64_t end = 1;
    for (const auto& band : bands) end = std::max(end, band.place.end);
    return end;
}

}  // namespace

void HtmlWriter::volume(const VolumeEvent& event) { content_.volume = event; }

void HtmlWriter::device(const DeviceEvent& event) {
    if (content_.devices.size() == PageContent::kDevices) {
        content_.devices_left_out++;
        return;
    }
    const bool draws = drawn_.size() < PageContent::kDrawn && content_.volume;
    auto bands = draws ? bands_of(content_.volume->places, event.devid) : std::vector<Band>();
    const Range all{0, length_of(event, bands)};
    if (draws) drawn_.emplace(event.devid, content_.devices.size());
    content_.devices.push_back({event, draws, std::move(bands), Marks(all), 0});
}

void HtmlWriter::damage(const scrub::Damage& event, const HurtFiles* files) {
    const bool repairable = event.repairable == scrub::Repairable::yes;
    auto& list = repairable ? content_.repairable : content_.lost;
    list.add(list.is_full() ? Markup() : finding_row(event, files));
    if (files != nullptr) {
        content_.with_files = true;
        for (const auto& hurt : files->objects)
            content_.objects.add(content_.objects.is_full() ? Markup() : object_row(event, hurt));
        for (const auto& part : files->parts) (repairable ? content_.repairable_files : content_.lost_files).add(part);
    }
    draw(event);
}

void HtmlWriter::draw(const scrub::Damage& event) {
    if (const auto* chunk = find_chunk(event)) content_.chunks.add(*chunk, event);
    const auto drawn = drawn_.find(event.devid.v);
    if (drawn == drawn_.end()) return;
    auto& device = content_.devices[drawn->second];
    device.marks.add(event);
    device.findings++;
}

const ChunkPlace* HtmlWriter::find_chunk(const scrub::Damage& event) const {
    if (!content_.volume || !event.chunk) return nullptr;
    const auto& places = content_.volume->places;
    const auto found = std::ranges::lower_bound(places, event.chunk->v, {}, &ChunkPlace::logical);
    return found != places.end() && found->logical == event.chunk->v ? &*found : nullptr;
}

void HtmlWriter::unknown(const scrub::Unknown& event) { content_.lost.add(unknown_row(event)); }

void HtmlWriter::action(const ActionEvent& event) {
    content_.writes.add(content_.writes.is_full() ? Markup() : write_row(event));
}

}  // namespace raid56::report
