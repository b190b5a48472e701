#include "schedule.hpp"

#include <algorithm>
#include <numeric>

namespace fastlstm {

Schedule::Schedule(Index steps, Index rows, bool reverse)
    : steps_(steps), rows_(rows), visits_(steps), reverse_(reverse) {}

Schedule::Schedule(Index steps, Index rows, const Index* lengths, bool reverse) : Schedule(steps, rows, reverse) {
    const bool all = std::all_of(lengths, lengths + rows, [&](Index length) { return length == steps; });
    if (!all) arrange({lengths, lengths + rows});
}

Schedule::Schedule(Index steps, Index rows, const bool* mask, bool reverse) : Schedule(steps, rows, reverse) {
    if (std::all_of(mask, mask + steps * rows, [](bool valid) { return valid; })) return;
    std::vector<Index> lengths(static_cast<std::size_t>(rows));
    for (Index t = 0; t < steps; ++t) {
        for (Index n = 0; n < rows; ++n) lengths[static_cast<std::size_t>(n)] += mask[t * rows + n];
    }
    arrange(lengths);
    for (const Index n : order_) {
        first_time_.push_back(static_cast<Index>(times_.size()));
        for (Index t = 0; t < steps; ++t) {
            if (mask[t * rows + n]) times_.push_back(t);
        }
    }
}

// Orders the rows by falling length and counts who runs when.
void Schedule::arrange(const std::vector<Index>& lengths) {
    order_.resize(lengths.size());
    std::iota(order_.begin(), order_.end(), Index{0});
    std::stable_sort(order_.begin(), order_.end(), [&](Index a, Index b) { return at(lengths, a) > at(lengths, b); });
    for (const Index n : order_) lengths_.push_back(at(lengths, n));
    visits_ = lengths_.front();
    offset_.push_back(0);
    for (Index visit = 0, running = rows_; visit < visits_; ++visit) {
        while (at(lengths_, running - 1) <= visit) --running;
        active_.push_back(running);
        offset_.push_back(offset_.back() + running);
    }
}

}  // namespace fastlstm
