#include "plan.hpp"

#include <algorithm>

namespace fastlstm {

namespace {

// When a second thread costs more than it brings, in multiply-adds of one core, about a hundred a nanosecond for many
// rows and fifty for one. A meeting takes a tenth of one, and then every
// thread fetches the states that the others have just written.
constexpr double kMeeting = 1.5e4;
constexpr double kFetchedState = 250;  // each number of the others
// In training a thread fetches its share of weights that lie in the caches of the thread that packed them, and gives
// back its share of their gradients: worth it from so many steps over all rows on.
constexpr Index kStepsWorthFetching = 64;
constexpr Index kRowsWorthSplitting = 8;  // rows a thread needs to fill its register tiles

// Cuts the rows, ordered by falling length, where the running total of lengths passes each thread's share.
std::vector<Index> cut_rows(const Schedule& schedule, int threads) {
    std::vector<Index> cuts{0};
    Index row = 0;
    double done = 0;
    for (int rank = 1; rank < threads; ++rank) {
        const double share = static_cast<double>(schedule.total()) * rank / threads;
        while (row < schedule.rows() && done + static_cast<double>(schedule.length(row)) / 2 < share) {
            done += static_cast<double>(schedule.length(row++));
        }
        cuts.push_back(row);
    }
    cuts.push_back(schedule.rows());
    return cuts;
}

// Groups of R's vectors of a thread. Where R lacks a gate, its product has a second phase over `units` and needs the
// inputs of those: the thread takes the same units in both.
Share recurrent_groups(const Layout& gates, const Layout& recurrent, const Share& units, int rank, int threads) {
    if (recurrent.gates == gates.gates) return share_of(recurrent.groups(), rank, threads);
    return {units.begin * recurrent.gates, std::min(units.end * recurrent.gates, recurrent.groups())};
}

// Groups of W's vectors that hold the units of some groups of R's. Where threads meet inside one, both project it.
Share input_groups(const Layout& gates, const Layout& recurrent, const Share& groups) {
    const Index end = std::min(groups.end * recurrent.group, recurrent.vectors());
    return {groups.begin * recurrent.group / recurrent.gates * gates.gates / gates.group,
            divide_up(divide_up(end, recurrent.gates) * gates.gates, gates.group)};
}

}  // namespace

int Plan::choose_threads(const Schedule& schedule, const Layout& gates, const Layout& recurrent, const Layout& units,
                         Index input_size, bool training) {
    const double per_row = static_cast<double>(gates.columns()) * static_cast<double>(units.size + input_size);
    const double total = per_row * static_cast<double>(schedule.total());
    const double per_visit = total / static_cast<double>(std::max<Index>(1, schedule.visits()));
    const bool alone = total < kWorthATeam || (training && schedule.total() < kStepsWorthFetching);
    const Index wanted = alone ? 1 : num_threads();
    const Index by_rows = std::min(wanted, schedule.rows() / kRowsWorthSplitting);
    const Index by_units = std::min({wanted, recurrent.groups(), units.groups()});
    const double states = static_cast<double>(schedule.rows() * units.size) / 2;
    const double worth_a_meeting = 2 * (kMeeting + kFetchedState * states);
    split_units_ = by_units > by_rows && per_visit / static_cast<double>(by_units) > worth_a_meeting;
    return static_cast<int>(std::max<Index>(1, split_units_ ? by_units : by_rows));
}

Plan::Plan(const Schedule& schedule, const Layout& gates, const Layout& recurrent, const Layout& units,
           const Layout& states, Index input_size, bool training)
    : lease_(choose_threads(schedule, gates, recurrent, units, input_size, training)) {
    split_units_ = split_units_ && threads() > 1;
    const std::vector<Index> cuts = cut_rows(schedule, split_units_ ? 1 : threads());
    for (int rank = 0; rank < threads(); ++rank) {
        const auto at = static_cast<std::size_t>(rank);
        Slice slice{{0, schedule.rows()}, {}, {0, recurrent.groups()}, {0, units.groups()}, {0, states.groups()}};
        if (split_units_) {
            slice.states = share_of(states.groups(), rank, threads());
            slice.units = share_of(units.groups(), rank, threads());
            slice.gates = recurrent_groups(gates, recurrent, slice.units, rank, threads());
        } else {
            slice.rows = {cuts[at], cuts[at + 1]};
        }
        slice.inputs = input_groups(gates, recurrent, slice.gates);
        slices_.push_back(slice);
    }
}

}  // namespace fastlstm
