// SPDX-License-Identifier: GPL-2.0-or-later
// In place of everything else in this folder where OpenCL's headers are not there to build with.
#include "offload/offload.h"

namespace raid56::offload {

Result<std::vector<Accelerator>> find_accelerators() { return Error{"this program was built without OpenCL"}; }

Result<OffloadEngine> open_accelerator(std::optional<size_t>, bool) {
    return Error{"this program was built without OpenCL"};
}

}  // namespace raid56::offload
