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

// Each of several threads takes this many parts, if it is as fast as the others. With fewer, all
// wait for a thread whose processor has other work, or whose part has most to do.
constexpr std::ptrdiff_t parts_of_thread = 4;

// Call work(begin, end) on consecutive parts of 0..count, in several threads that take one part
// after the other. Where the system gives fewer threads, those that could be started do all parts.
// No result may depend on where the parts begin. The first exception of a part is thrown here.
template <class Work>
void split_over_threads(std::ptrdiff_t count, int threads, Work work) {
    const std::ptrdiff_t wanted = std::clamp<std::ptrdiff_t>(threads, 1, most_threads);
    const std::ptrdiff_t parts = std::clamp<std::ptrdiff_t>(
        wanted == 1 ? 1 : wanted * parts_of_thread, 1, std::max<std::ptrdiff_t>(count, 1));
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
    const std::ptrdiff_t others = std::min(wanted, parts) - 1;
    workers.reserve(others);
    try {
        while (static_cast<std::ptrdiff_t>(workers.size()) < others)
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
