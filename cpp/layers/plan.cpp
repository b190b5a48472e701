#include "plan.hpp"

#include <algorithm>

namespace fastlstm {

namespace {

// When a second thread costs more than it brings, in multiply-adds of one core, about a hundred a nanosecond for many
// rows and fifty for one. A barrier takes some tenths of a microsecond, and then every thread fetches the states that
// the others have just written.
constexpr double kBarrier = 1.5e4;
constexpr double kFetchedState = 250;  // each number of the others
// In training a thread fetches its share of weights that lie in the caches of the thread that packed them, and gives
// back its share of their gradients: worth it from so many steps over all rows on.
constexpr Index kStepsWorthFetching = 16;
constexpr Index kRowsWorthSplitting = 8;  // rows a thread needs to fill its register tiles
// Weights that do not fit the cache of a core make a visit of one row longer by a fifth; more rows share the fetching.
constexpr Index kCoreCache = Index{1} << 20;
constexpr double kFetchedWeights = 0.2;

// Cuts the rows, ordered by falling length, where the running total of lengths passes what is due to each thread.
std::vector<Index> cut_rows(const Schedule& schedule, int threads) {
    std::vector<Index> cuts{0};
    Index row = 0;
    double done = 0;
    for (int rank = 1; rank < threads; ++rank) {
        const double due = static_cast<double>(schedule.total()) * rank / threads;
        while (row < schedule.rows() && done + static_cast<double>(schedule.length(row)) / 2 < due) {
            done += static_cast<double>(schedule.length(row++));
        }
        cuts.push_back(row);
    }
    cuts.push_back(schedule.rows());
    return cuts;
}

// Groups of R's vectors of a thread. Where R lacks a gate, its product has a second phase over `units` and needs the
// inputs of those: the thread takes the same units in both.
Range recurrent_groups(const Layout& gates, const Layout& recurrent, const Range& units, int rank, int threads) {
    if (recurrent.gates == gates.gates) return thread_range(recurrent.groups(), rank, threads);
    return {units.begin * recurrent.gates, std::min(units.end * recurrent.gates, recurrent.groups())};
}

// Groups of W's vectors that hold the units of some groups of R's. Where the ranges of two threads meet inside one,
// both project it.
Range input_groups(const Layout& gates, const Layout& recurrent, const Range& groups) {
    const Index end = std::min(groups.end * recurrent.group, recurrent.vectors());
    return {groups.begin * recurrent.group / recurrent.gates * gates.gates / gates.group,
            divide_up(divide_up(end, recurrent.gates) * gates.gates, gates.group)};
}

// training: backward, whose visits fetch the gradients of all gates in place of the states, counts as well.
double barrier_cost(const Work& work, bool training = false) {
    const double fetched = training ? static_cast<double>(1 + work.gates.gates) / 2 : 1;
    return kBarrier + kFetchedState * fetched * static_cast<double>(work.schedule.rows() * work.units.size) / 2;
}

}  // namespace

double Work::total() const {
    const double per_row = static_cast<double>(gates.columns()) * static_cast<double>(units.size + input_size);
    return per_row * static_cast<double>(schedule.total());
}

double Work::per_visit() const { return total() / static_cast<double>(std::max<Index>(1, schedule.visits())); }

Split best_split(const Work& work, Index at_most, bool training) {
    const Index wanted = work.total() < kWorthATeam ? 1 : at_most;
    const Index by_rows = std::min(wanted, work.schedule.rows() / kRowsWorthSplitting);
    const Index by_units = std::min({wanted, work.recurrent.groups(), work.units.groups()});
    const bool units =
        by_units > by_rows && work.per_visit() / static_cast<double>(by_units) > 2 * barrier_cost(work, training);
    return {static_cast<int>(std::max<Index>(1, units ? by_units : by_rows)), units && by_units > 1};
}

double duration(const Work& work, const Split& split) {
    const bool fits = work.weight_bytes / (split.units ? split.threads : 1) <= kCoreCache;
    const double fetching = fits ? 0 : kFetchedWeights / static_cast<double>(std::max<Index>(1, work.schedule.rows()));
    const double barriers = split.units ? static_cast<double>(work.schedule.visits()) * barrier_cost(work) : 0;
    return work.total() * (1 + fetching) / split.threads + barriers;
}

Plan::Plan(const Work& work, bool training)
    : Plan(
          work,
          training && work.schedule.total() < kStepsWorthFetching ? Split{} : best_split(work, num_threads(), training),
          true) {}

Plan::Plan(const Work& work, const Split& wanted, bool claim) : lease_(claim ? wanted.threads : 1), split_(wanted) {
    if (claim) split_ = {lease_.size(), wanted.units && lease_.size() > 1};
    const std::vector<Index> cuts = cut_rows(work.schedule, split_units() ? 1 : threads());
    for (int rank = 0; rank < threads(); ++rank) {
        const auto at = static_cast<std::size_t>(rank);
        Slice slice{{0, work.schedule.rows()},
                    {},
                    {0, work.recurrent.groups()},
                    {0, work.units.groups()},
                    {0, work.states.groups()}};
        if (split_units()) {
            slice.states = thread_range(work.states.groups(), rank, threads());
            slice.units = thread_range(work.units.groups(), rank, threads());
            slice.gates = recurrent_groups(work.gates, work.recurrent, slice.units, rank, threads());
        } else {
            slice.rows = {cuts[at], cuts[at + 1]};
        }
        slice.inputs = input_groups(work.gates, work.recurrent, slice.gates);
        slices_.push_back(slice);
    }
}

}  // namespace fastlstm
