#include "plan.hpp"

#include <algorithm>

namespace fastlstm {

namespace {

// Multiply-adds below which a second thread costs more than it brings: waking a team takes a few microseconds, a
// meeting a tenth of one. One core does about fifty multiply-adds a nanosecond.
constexpr double kWorthATeam = 1.0e6;
constexpr double kWorthAMeeting = 6.0e4;
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

// Groups of four vectors that hold those of `gates`. Where threads meet inside one, both project it.
Share input_groups(const Layout& recurrent, const Share& gates) {
    const Index end = std::min(gates.end * recurrent.group, recurrent.vectors());
    return {gates.begin * recurrent.group / kGroup, divide_up(end, kGroup)};
}

}  // namespace

int Plan::choose_threads(const Schedule& schedule, const Layout& recurrent, const Layout& units, Index input_size) {
    const double per_row = static_cast<double>(recurrent.columns()) * static_cast<double>(units.size + input_size);
    const double total = per_row * static_cast<double>(schedule.total());
    const double per_visit = total / static_cast<double>(std::max<Index>(1, schedule.visits()));
    const Index wanted = total < kWorthATeam ? 1 : num_threads();
    const Index by_rows = std::min(wanted, schedule.rows() / kRowsWorthSplitting);
    const Index by_units = std::min({wanted, recurrent.groups(), units.groups()});
    split_units_ = by_units > by_rows && per_visit / static_cast<double>(by_units) > kWorthAMeeting;
    return static_cast<int>(std::max<Index>(1, split_units_ ? by_units : by_rows));
}

Plan::Plan(const Schedule& schedule, const Layout& recurrent, const Layout& units, Index input_size)
    : lease_(choose_threads(schedule, recurrent, units, input_size)) {
    split_units_ = split_units_ && threads() > 1;
    const std::vector<Index> cuts = cut_rows(schedule, split_units_ ? 1 : threads());
    for (int rank = 0; rank < threads(); ++rank) {
        if (split_units_) {
            const Share gates = share_of(recurrent.groups(), rank, threads());
            slices_.push_back({{0, schedule.rows()},
                               input_groups(recurrent, gates),
                               gates,
                               share_of(units.groups(), rank, threads())});
        } else {
            const auto at = static_cast<std::size_t>(rank);
            const Share gates{0, recurrent.groups()};
            slices_.push_back({{cuts[at], cuts[at + 1]}, input_groups(recurrent, gates), gates, {0, units.groups()}});
        }
    }
}

}  // namespace fastlstm
