#include "side_by_side.hpp"

#include <algorithm>
#include <deque>
#include <thread>

#include "spin.hpp"

namespace fastlstm {

namespace {

template <class T>
Index threads_each(const std::vector<Pass<T>>& passes) {
    return std::max<Index>(1, num_threads() / static_cast<Index>(passes.size()));
}

template <class T>
class SideBySide {
public:
    // Rank r of the call works on pass r % P, as rank r / P of its team; a caller alone works on one after the other.
    SideBySide(const std::vector<Pass<T>>& passes, const StopRequested& stop_requested)
        : passes_(passes), lease_(wanted_threads(passes)), running_(lease_.size()), interruption_(stop_requested) {
        const Index granted = std::max<Index>(1, lease_.size() / static_cast<Index>(passes.size()));
        for (const Pass<T>& pass : passes) {
            const int leader = lease_.size() == 1 ? 0 : static_cast<int>(walks_.size());
            const Split split = best_split(pass.work(), std::min(granted, threads_each(passes)));
            walks_.push_back(pass.walk(split, [this, leader] { return interruption_.anywhere(leader); }));
            teams_.emplace_back(split.threads);
        }
    }

    bool run() {
        lease_.run([this](int rank, Team& team) { work(rank, team); });
        if (interruption_.stopped()) return false;
        for (std::size_t i = 0; i < walks_.size(); ++i) {
            walks_[i]->finish();
            passes_[i].clear_skipped();
        }
        return true;
    }

private:
    static int wanted_threads(const std::vector<Pass<T>>& passes) {
        int most = 1;
        for (const Pass<T>& pass : passes) most = std::max(most, best_split(pass.work(), threads_each(passes)).threads);
        return most * static_cast<int>(passes.size());
    }

    void work(int rank, const Team& team) {
        const auto count = static_cast<int>(walks_.size());
        for (int i = rank % count; i < count; i += lease_.size()) {
            const auto at = static_cast<std::size_t>(i);
            Walk<T>& walk = *walks_[at];
            if (rank / count < walk.threads()) {
                walk.walk(rank / count, teams_[at], 0, passes_[at].schedule->visits());
            }
        }
        running_.fetch_sub(1);
        if (rank == 0) wait_for_the_others(team);
    }

    // Somebody has to listen for Ctrl-C until the last pass is done.
    void wait_for_the_others(const Team& team) {
        while (!spin([this] { return running_.load() == 0; }) && !team.left_behind()) {
            interruption_.anywhere(0);
            std::this_thread::yield();
        }
    }

    const std::vector<Pass<T>>& passes_;
    TeamLease lease_;
    std::atomic<int> running_;
    Interruption interruption_;
    std::vector<std::unique_ptr<Walk<T>>> walks_;
    std::deque<Team> teams_;  // of each pass; a Team stays where it is made
};

}  // namespace

template <class T>
bool worth_side_by_side(const std::vector<Pass<T>>& passes) {
    if (num_threads() < static_cast<int>(passes.size())) return false;
    double longest = 0, in_turn = 0, total = 0;
    for (const Pass<T>& pass : passes) {
        const Work work = pass.work();
        longest = std::max(longest, duration(work, best_split(work, threads_each(passes))));
        in_turn += duration(work, best_split(work, num_threads()));
        total += work.total();
    }
    return total >= kWorthATeam && longest <= in_turn;
}

template <class T>
bool forward_side_by_side(const std::vector<Pass<T>>& passes, const StopRequested& stop_requested) {
    return SideBySide<T>(passes, stop_requested).run();
}

template bool worth_side_by_side(const std::vector<Pass<float>>&);
template bool worth_side_by_side(const std::vector<Pass<double>>&);
template bool forward_side_by_side(const std::vector<Pass<float>>&, const StopRequested&);
template bool forward_side_by_side(const std::vector<Pass<double>>&, const StopRequested&);

}  // namespace fastlstm
