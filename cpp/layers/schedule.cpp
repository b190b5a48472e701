#include "schedule.hpp"

#include <algorithm>
#include <numeric>

namespace fastlstm {

Schedule::Schedule(Index steps, Index rows, const Index* lengths, bool reverse)
    : rows_(rows), visits_(steps), reverse_(reverse) {
    if (!lengths || std::all_of(lengths, lengths + rows, [&](Index length) { return length == steps; })) return;
    order_.resize(static_cast<std::size_t>(rows));
    std::iota(order_.begin(), order_.end(), Index{0});
    std::stable_sort(order_.begin(), order_.end(), [&](Index a, Index b) { return lengths[a] > lengths[b]; });
    for (const Index n : order_) lengths_.push_back(lengths[n]);
    visits_ = lengths_.front();
    offset_.push_back(0);
    for (Index visit = 0, running = rows; visit < visits_; ++visit) {
        while (lengths_[running - 1] <= visit) --running;
        active_.push_back(running);
        offset_.push_back(offset_.back() + running);
    }
}

}  // namespace fastlstm
