// How a call is shared out among threads. Results never depend on it; only time does.
#pragma once

#include <vector>

#include "schedule.hpp"
#include "thread_pool.hpp"
#include "weights.hpp"

namespace fastlstm {

// The part of every visit that one thread computes.
struct Slice {
    Share rows;    // in schedule order
    Share inputs;  // groups of the gate columns of W that hold those of `gates`
    Share gates;   // groups of the gate columns of R (forward)
    Share units;   // groups of the hidden units (backward, and a second phase of forward)
    Share states;  // groups of the numbers of a projected state
};

class Plan {
public:
    // training: the weights have just been packed by the calling thread and are used for this step only.
    template <class T>
    Plan(const Schedule& schedule, const Weights<T>& weights, bool training)
        : Plan(schedule, weights.gates, weights.recurrent, weights.units, weights.states, weights.input_size,
               training) {}

    int threads() const { return lease_.size(); }
    bool split_units() const { return split_units_; }  // threads share every row's units and meet after every visit
    const Slice& slice(int rank) const { return slices_[static_cast<std::size_t>(rank)]; }

    // Runs work(rank, team) on the threads of the plan.
    void run(const std::function<void(int, Team&)>& work) { lease_.run(work); }

private:
    Plan(const Schedule& schedule, const Layout& gates, const Layout& recurrent, const Layout& units,
         const Layout& states, Index input_size, bool training);
    int choose_threads(const Schedule& schedule, const Layout& gates, const Layout& recurrent, const Layout& units,
                       Index input_size, bool training);

    bool split_units_ = false;
    TeamLease lease_;
    std::vector<Slice> slices_;
};

}  // namespace fastlstm
