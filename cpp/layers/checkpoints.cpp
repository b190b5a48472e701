#include "checkpoints.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "gathered.hpp"

namespace fastlstm {

namespace {

// Cuts the visits from the last to the first into sections of so many or, as they are whole parts, some more.
template <class T>
std::vector<Index> cut(const Schedule& schedule, const Weights<T>& weights, Index visits) {
    const Index capacity = part_capacity(schedule, weights);
    std::vector<Index> begins;
    for (Index begin = schedule.visits(), end = begin; begin > 0; end = begin) {
        while (begin > 0 && end - begin < visits) begin = part_begin(schedule, capacity, begin);
        begins.push_back(begin);
    }
    std::reverse(begins.begin(), begins.end());
    return begins;
}

// What a tape and checkpoints take of memory, in numbers.
template <class T>
struct Sizes {
    Sizes(const Schedule& visited, const Weights<T>& weights, bool masked) : schedule(visited) {
        const bool general = weights.general || masked;
        const CellTraits& cell = traits(weights.kind);
        const Index H = weights.units.columns(), S = weights.states.columns();
        const Index in_units =
            cell.kept_slots(general) + (cell.has_cell_state && general) + cell.resets_before() + weights.projected();
        row = S + in_units * H;
        states = schedule.rows() * (S + cell.has_cell_state * H);
        fixed = schedule.rows() * (S + (cell.has_cell_state && general) * H + masked * cell.gates * S);
    }

    Index tape(Index begin, Index end) const {
        return fixed + checked_product(schedule.offset(end) - schedule.offset(begin), row);
    }
    Index whole() const { return tape(0, schedule.visits()); }
    // Visits of a section with which both are smallest: as many numbers in the tape of one as in the checkpoints.
    Index visits_of_smallest() const {
        const double per_visit = static_cast<double>(schedule.total() * row) / static_cast<double>(schedule.visits());
        const double all_states = static_cast<double>(schedule.visits()) * static_cast<double>(states);
        return std::max<Index>(1, std::llround(std::sqrt(all_states / per_visit)));
    }

    const Schedule& schedule;
    Index row;     // of a row at a visit
    Index states;  // of all rows at a checkpoint
    Index fixed;   // however long the tape is
};

// Leaves as many of the last sections to the tape as go into so many numbers; what cannot be less, where none do.
template <class T>
Index lengthen_tape(std::vector<Index>& begins, const Sizes<T>& sizes, Index at_most) {
    Index largest = 0;
    for (std::size_t number = 1; number < begins.size(); ++number) {
        largest = std::max(largest, sizes.tape(begins[number - 1], begins[number]));
    }
    const auto all = [&](std::size_t count) {
        return sizes.tape(begins[count - 1], sizes.schedule.visits()) + largest +
               static_cast<Index>(count) * sizes.states;
    };
    const Index least = all(begins.size());
    while (begins.size() > 1 && all(begins.size() - 1) <= at_most) begins.pop_back();
    return least;
}

}  // namespace

template <class T>
std::vector<Index> checkpoint_visits(const Schedule& schedule, const Weights<T>& weights, bool masked,
                                     const TapeBounds& bounds) {
    if (schedule.visits() == 0 || (bounds.visits == 0 && bounds.bytes == 0)) return {};
    const Sizes<T> sizes(schedule, weights, masked);
    constexpr Index kNumber = sizeof(T);
    if (bounds.bytes > 0 && sizes.whole() <= bounds.bytes / kNumber) return {};
    std::vector<Index> begins = cut(schedule, weights, bounds.visits > 0 ? bounds.visits : sizes.visits_of_smallest());
    if (bounds.bytes > 0) {
        const Index least = std::min(lengthen_tape(begins, sizes, bounds.bytes / kNumber), sizes.whole());
        if (least > bounds.bytes / kNumber) {
            throw std::invalid_argument("memory_limit must be at least " + std::to_string(least * kNumber) +
                                        " bytes a layer and direction for so many steps and rows, got " +
                                        std::to_string(bounds.bytes));
        }
    }
    return begins.size() > 1 ? begins : std::vector<Index>{};
}

template std::vector<Index> checkpoint_visits(const Schedule&, const Weights<float>&, bool, const TapeBounds&);
template std::vector<Index> checkpoint_visits(const Schedule&, const Weights<double>&, bool, const TapeBounds&);

}  // namespace fastlstm
