// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/write.h"

namespace raid56::repair {

Phase phase_of(scrub::Role role) {
    switch (role) {
        case scrub::Role::data:
        case scrub::Role::tree:
        case scrub::Role::free: return Phase::data;
        case scrub::Role::p:
        case scrub::Role::q: return Phase::parity;
        case scrub::Role::super: break;
    }
    return Phase::super;
}

Kind kind_of(scrub::Role role) {
    switch (role) {
        case scrub::Role::data:
        case scrub::Role::free: return Kind::data;
        case scrub::Role::tree: return Kind::tree;
        case scrub::Role::p:
        case scrub::Role::q: return Kind::parity;
        case scrub::Role::super: break;
    }
    return Kind::super;
}

}  // namespace raid56::repair
