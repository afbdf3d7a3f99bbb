// SPDX-License-Identifier: GPL-2.0-or-later
// The report as JSON lines: one object a line, "type" first; every field is described in
// btrfs-raid56-report(5). Text that is not UTF-8 is escaped losslessly, and a field of the same name
// with "_escaped" says so.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "report/model.h"

namespace raid56::report {

using Json = nlohmann::ordered_json;

/// An object whose first field is "type".
Json typed(const char* type);
/// Sets a text field, escaped where it is not UTF-8.
void set_text(Json& object, const char* field, const std::string& text);

class JsonWriter : public Writer {
  public:
    explicit JsonWriter(std::ostream& out) : out_(out) {}
    void volume(const VolumeEvent& event) override;
    void device(const DeviceEvent& event) override;
    using Writer::damage;
    void damage(const scrub::Damage& event, const HurtFiles* files) override;
    void unknown(const scrub::Unknown& event) override;
    void free_rows(const scrub::FreeRows& event) override;
    void action(const ActionEvent& event) override;
    void summary(const Summary& event) override;
    void line(const Json& object);

  private:
    std::ostream& out_;
};

}  // namespace raid56::report
