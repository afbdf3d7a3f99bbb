// SPDX-License-Identifier: GPL-2.0-or-later
// The report as one page for people (report/page.h). What it keeps grows with devices and chunks, not with what is
// found: lists are cut, and say so; drawings sum up all of it.
#pragma once

#include "report/page.h"

namespace raid56::report {

class HtmlWriter : public Writer {
  public:
    void volume(const VolumeEvent& event) override;
    void device(const DeviceEvent& event) override;
    using Writer::damage;
    void damage(const scrub::Damage& event, const HurtFiles* files) override;
    void unknown(const scrub::Unknown& event) override;
    void action(const ActionEvent& event) override;
    void summary(const Summary& event) override { content_.summary = event; }

    /// Whether anything was told but the summary.
    bool is_begun() const { return content_.volume.has_value() || content_.writes.total() > 0; }
    /// The page; once the summary is told.
    std::string page() const { return report::page(content_); }

  private:
    const ChunkPlace* find_chunk(const scrub::Damage& event) const;
    void draw(const scrub::Damage& event);

    PageContent content_;
    std::map<uint64_t, size_t> drawn_;  // devid to index
};

}  // namespace raid56::report
