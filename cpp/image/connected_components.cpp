#include "image/connected_components.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "image/mask_runs.hpp"

namespace dustbust {

namespace {

// Pixels side by side in one row: their columns, and the place of the first in the list.
struct Run {
    std::ptrdiff_t row, begin, end;
    std::int32_t first;
};

std::vector<Run> runs_of(Image<const std::uint8_t> mask) {
    std::vector<Run> runs;
    std::int32_t first = 0;
    for (std::ptrdiff_t y = 0; y < mask.rows; ++y)
        each_run(mask.row(y), mask.columns, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            runs.push_back({y, begin, end, first});
            first += static_cast<std::int32_t>(end - begin);
        });
    return runs;
}

std::vector<Run> runs_of(const std::vector<std::int64_t>& positions, std::ptrdiff_t columns) {
    std::vector<Run> runs;
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const std::ptrdiff_t x = positions[i] % columns;
        if (i > 0 && x > 0 && positions[i] == positions[i - 1] + 1) ++runs.back().end;
        else runs.push_back({positions[i] / columns, x, x + 1, static_cast<std::int32_t>(i)});
    }
    return runs;
}

// The root of a run's tree; the path to it is halved on the way.
std::int32_t root(std::vector<std::int32_t>& parent, std::int32_t at) {
    while (parent[at] != at) at = parent[at] = parent[parent[at]];
    return at;
}

// Call touch(above, below) for all runs that touch each other. -> parents of the runs, whose roots
// have the first pixels of the particles.
template <class Touch>
std::vector<std::int32_t> connect(const std::vector<Run>& runs, Touch touch) {
    std::vector<std::int32_t> parent(runs.size());
    std::size_t above = 0;  // the first run that may touch the present one from above
    for (std::size_t k = 0; k < runs.size(); ++k) {
        const Run& run = runs[k];
        parent[k] = static_cast<std::int32_t>(k);
        while (runs[above].row < run.row - 1 ||
               (runs[above].row == run.row - 1 && runs[above].end < run.begin))
            ++above;
        for (std::size_t j = above; runs[j].row < run.row && runs[j].begin <= run.end; ++j) {
            touch(runs[j], run);
            const std::int32_t a = root(parent, static_cast<std::int32_t>(j)),
                               b = root(parent, static_cast<std::int32_t>(k));
            parent[std::max(a, b)] = std::min(a, b);
        }
    }
    return parent;
}

// Call use(run, label) for each run in turn. -> the number of particles.
template <class Use>
std::int32_t number(const std::vector<Run>& runs, std::vector<std::int32_t> parent, Use use) {
    // A root comes before the runs of its tree. What was a parent becomes a label, below 0.
    std::int32_t count = 0;
    for (std::size_t k = 0; k < runs.size(); ++k) {
        const std::int32_t up = parent[k];
        const std::int32_t label = up == static_cast<std::int32_t>(k) ? count++ : ~parent[up];
        parent[k] = ~label;
        use(runs[k], label);
    }
    return count;
}

void link_beside(const Run& run, std::int32_t* neighbours) {
    for (std::ptrdiff_t x = run.begin; x < run.end; ++x) {
        const auto i = static_cast<std::int32_t>(run.first + (x - run.begin));
        std::int32_t* const beside = neighbours + 4 * static_cast<std::ptrdiff_t>(i);
        beside[0] = beside[3] = -1;
        beside[1] = x > run.begin ? i - 1 : -1;
        beside[2] = x + 1 < run.end ? i + 1 : -1;
    }
}

void link_below(const Run& above, const Run& below, std::int32_t* neighbours) {
    const std::ptrdiff_t begin = std::max(above.begin, below.begin),
                         end = std::min(above.end, below.end);
    for (std::ptrdiff_t x = begin; x < end; ++x) {
        const std::ptrdiff_t up = above.first + (x - above.begin),
                             down = below.first + (x - below.begin);
        neighbours[4 * down] = static_cast<std::int32_t>(up);
        neighbours[4 * up + 3] = static_cast<std::int32_t>(down);
    }
}

}  // namespace

Components connected_components(const MaskedPixels& masked, std::ptrdiff_t columns) {
    const auto runs = runs_of(masked.positions(), columns);
    Components result;
    result.neighbours.resize(4 * masked.size());
    for (const Run& run : runs) link_beside(run, result.neighbours.data());
    auto parent = connect(runs, [&](const Run& above, const Run& below) {
        link_below(above, below, result.neighbours.data());
    });
    result.labels.resize(masked.size());
    result.count = number(runs, std::move(parent), [&](const Run& run, std::int32_t label) {
        std::fill_n(result.labels.begin() + run.first, run.end - run.begin, label);
    });
    return result;
}

Particles particles_of(Image<const std::uint8_t> mask) {
    const auto runs = runs_of(mask);
    auto parent = connect(runs, [](const Run&, const Run&) {});
    Particles result;
    if (runs.empty()) return result;
    const std::ptrdiff_t pixels = runs.back().first + (runs.back().end - runs.back().begin);
    result.positions.resize(pixels), result.labels.resize(pixels);
    result.count = number(runs, std::move(parent), [&](const Run& run, std::int32_t label) {
        const std::ptrdiff_t length = run.end - run.begin;
        std::iota(result.positions.begin() + run.first,
                  result.positions.begin() + run.first + length,
                  run.row * mask.columns + run.begin);
        std::fill_n(result.labels.begin() + run.first, length, label);
    });
    return result;
}

std::vector<std::int32_t> nearest_particle(const std::vector<std::int32_t>& neighbours,
                                           const std::vector<std::int32_t>& cores,
                                           const std::vector<std::int32_t>& labels) {
    std::vector<std::int32_t> nearest(neighbours.size() / 4, -1), order = cores;
    for (std::size_t k = 0; k < cores.size(); ++k) nearest[cores[k]] = labels[k];
    for (std::size_t at = 0; at < order.size(); ++at)
        for (int side = 0; side < 4; ++side) {
            const std::int32_t other = neighbours[4 * static_cast<std::size_t>(order[at]) + side];
            if (other < 0 || nearest[other] >= 0) continue;
            nearest[other] = nearest[order[at]];
            order.push_back(other);
        }
    return nearest;
}

}  // namespace dustbust
