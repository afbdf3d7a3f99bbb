// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/together.h"

#include <exception>
#include <thread>
#include <vector>

namespace raid56::bench {

void run_together(unsigned count, const std::function<void(unsigned number)>& work) {
    std::vector<std::exception_ptr> errors(count);
    {
        std::vector<std::jthread> threads;
        threads.reserve(count);
        for (unsigned i = 0; i < count; i++)
            threads.emplace_back([&, i] {
                try {
                    work(i);
                } catch (...) {  // past the end of a thread it would end the program
                    errors[i] = std::current_exception();
                }
            });
    }
    for (const auto& error : errors)
        if (error) std::rethrow_exception(error);
}

}  // namespace raid56::bench
