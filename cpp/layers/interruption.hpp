// Lets a long call be stopped at the same point by every thread of its team.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

class Interruption {
public:
    explicit Interruption(bool (*stop_requested)()) : stop_requested_(stop_requested) {}

    // Called by every thread at its chunk number `chunk`, 0, 1, ...; true: leave now. Only rank 0 asks, at most every
    // tenth of a second, and then names the chunk at which all leave, so that nobody waits for a thread that has gone.
    bool at_chunk(int rank, Index chunk) {
        if (rank == 0 && stop_requested_ && Clock::now() - asked_ > std::chrono::milliseconds(100)) {
            if (stop_requested_()) stop_at_.store(chunk + 1);
            asked_ = Clock::now();
        }
        return chunk >= stop_at_.load();
    }
    bool stopped() const { return stop_at_.load() != kNever; }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr Index kNever = std::numeric_limits<Index>::max();

    bool (*const stop_requested_)();
    Clock::time_point asked_ = Clock::now();
    std::atomic<Index> stop_at_{kNever};
};

}  // namespace fastlstm
