// How a call is shared out among threads. Results never depend on it; only time does.
#pragma once

#include <vector>

#include "schedule.hpp"
#include "thread_pool.hpp"
#include "weights.hpp"

namespace fastlstm {

// One layer in one direction over a schedule, as far as sharing it out depends on it.
struct Work {
    template <class T>
    Work(const Schedule& visited, const Weights<T>& weights)
        : schedule(visited),
          gates(weights.gates),
          recurrent(weights.recurrent),
          units(weights.units),
          states(weights.states),
          input_size(weights.input_size),
          weight_bytes(gates.columns() * (states.size + input_size) * static_cast<Index>(sizeof(T))) {}

    const Schedule& schedule;
    const Layout &gates, &recurrent, &units, &states;
    Index input_size;
    Index weight_bytes;

    // In multiply-adds, as are all durations here.
    double total() const;
    double per_visit() const;
};

// How many threads share a piece of work, and whether they split every row's units, with a barrier after every visit,
// or split the rows.
struct Split {
    int threads = 1;
    bool units = false;
};

// The split of a call among at most so many threads.
Split best_split(const Work& work, Index at_most, bool training = false);

// About how long an inference takes.
double duration(const Work& work, const Split& split);

// The part of every visit that one thread computes.
struct Slice {
    Range rows;    // in schedule order
    Range inputs;  // groups of the gate columns of W that hold those of `gates`
    Range gates;   // groups of the gate columns of R (forward)
    Range units;   // groups of the hidden units (backward, and a second phase of forward)
    Range states;  // groups of the numbers of a projected state
};

class Plan {
public:
    // For a call of its own, which claims the pool if that pays. training: the weights have just been packed by the
    // calling thread and are used for this step only.
    template <class T>
    Plan(const Schedule& schedule, const Weights<T>& weights, bool training)
        : Plan(Work(schedule, weights), training) {}

    // For a part of a call, which has the threads already.
    template <class T>
    Plan(const Schedule& schedule, const Weights<T>& weights, const Split& split)
        : Plan(Work(schedule, weights), split, false) {}

    int threads() const { return split_.threads; }
    const Split& split() const { return split_; }
    bool split_units() const { return split_.units; }  // and have a barrier after every visit
    const Slice& slice(int rank) const { return slices_[static_cast<std::size_t>(rank)]; }

    // Runs work(rank, team) on the threads that the call has claimed.
    void run(const std::function<void(int, Team&)>& work) { lease_.run(work); }

private:
    Plan(const Work& work, bool training);
    Plan(const Work& work, const Split& wanted, bool claim);

    TeamLease lease_;
    Split split_;
    std::vector<Slice> slices_;
};

}  // namespace fastlstm
