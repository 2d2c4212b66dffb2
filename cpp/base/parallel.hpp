// Splitting work over threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace dustbust {

// More threads than this bring nothing on any machine that cleans scans.
constexpr std::ptrdiff_t most_threads = 256;

// Call work(begin, end) on consecutive parts of 0..count, each in a thread of its own. Where the
// system gives fewer threads, those that could be started do all parts. No result may depend on
// where the parts begin. The first exception of a part is thrown here.
template <class Work>
void split_over_threads(std::ptrdiff_t count, int threads, Work work) {
    const std::ptrdiff_t wanted = std::clamp<std::ptrdiff_t>(threads, 1, most_threads);
    const std::ptrdiff_t parts =
        std::clamp<std::ptrdiff_t>(wanted, 1, std::max<std::ptrdiff_t>(count, 1));
    std::vector<std::exception_ptr> failures(parts);
    std::atomic<std::ptrdiff_t> next{0};
    const auto take_parts = [&] {
        for (std::ptrdiff_t part = next++; part < parts; part = next++) {
            try {
                work(count * part / parts, count * (part + 1) / parts);
            } catch (...) {
                failures[part] = std::current_exception();
            }
        }
    };
    std::vector<std::thread> workers;
    workers.reserve(parts - 1);
    try {
        while (static_cast<std::ptrdiff_t>(workers.size()) < parts - 1)
            workers.emplace_back(take_parts);
    } catch (const std::exception&) {
        // The system gives no more threads: their parts are done by the others.
    }
    take_parts();
    for (auto& worker : workers) worker.join();
    for (const auto& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace dustbust
