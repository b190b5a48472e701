// Which rows run at which visit, and which time step each of them visits then.
#pragma once

#include <vector>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Every row n visits lengths[n] time steps, forward 0, 1, ... or, reversed, from lengths[n] - 1 down to 0. Rows are
// ordered by falling length, so the rows running at a visit are the first `active(visit)` ones.
class Schedule {
public:
    // lengths: N numbers in 0..T, or null for T everywhere
    Schedule(Index steps, Index rows, const Index* lengths, bool reverse);

    Index rows() const { return rows_; }
    Index visits() const { return visits_; }  // the longest length
    bool uniform() const { return order_.empty(); }

    Index original(Index row) const { return uniform() ? row : order_[row]; }
    Index length(Index row) const { return uniform() ? visits_ : lengths_[row]; }
    Index time(Index visit, Index row) const { return reverse_ ? length(row) - 1 - visit : visit; }

    Index active(Index visit) const {
        if (visit >= visits_) return 0;
        return uniform() ? rows_ : active_[visit];
    }
    // Valid steps in the visits before this one, over all rows.
    Index offset(Index visit) const { return uniform() ? visit * rows_ : offset_[visit]; }
    Index total() const { return offset(visits_); }

private:
    Index rows_, visits_;
    bool reverse_;
    std::vector<Index> order_, lengths_;  // by falling length; empty when uniform
    std::vector<Index> active_, offset_;  // by visit; offset_ has one more
};

}  // namespace fastlstm
