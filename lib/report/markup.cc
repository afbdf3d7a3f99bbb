// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/markup.h"

#include "base/printable.h"

namespace raid56::report {

void Markup::append_text(std::string_view text) {
    for (const char c : printable(text)) switch (c) {
            case '&': html_ += "&amp;"; break;
            case '<': html_ += "&lt;"; break;
            case '>': html_ += "&gt;"; break;
            case '"': html_ += "&quot;"; break;
            case '\'': html_ += "&#39;"; break;
            default: html_ += c;
        }
}

Markup isolated(const std::string& name) {
    Markup html;
    html << "<bdi>" << name << "</bdi>";
    return html;
}

}  // namespace raid56::report
