// The one place that decides how work is split over threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace dustbust {

// Call work(begin, end) on consecutive parts of 0..count, each in a thread of its own.
// No result may depend on where the parts begin. The first exception of a part is thrown here.
template <class Work>
void split_over_threads(std::ptrdiff_t count, int threads, Work work) {
    const std::ptrdiff_t parts = std::clamp<std::ptrdiff_t>(threads, 1, std::max<std::ptrdiff_t>(count, 1));
    std::vector<std::exception_ptr> failures(parts);
    const auto run = [&](std::ptrdiff_t part) {
        try {
            work(count * part / parts, count * (part + 1) / parts);
        } catch (...) {
            failures[part] = std::current_exception();
        }
    };
    std::vector<std::thread> workers;
    for (std::ptrdiff_t part = 1; part < parts; ++part) workers.emplace_back(run, part);
    run(0);
    for (auto& worker : workers) worker.join();
    for (const auto& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace dustbust
