// The number of threads of calls, and when they can be a team.
#pragma once

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "layers/thread_pool.hpp"

namespace fastlstm {

// Calls use so many threads as long as this lives.
class Threads {
public:
    explicit Threads(int n) : before_(num_threads()) { set_num_threads(n); }
    ~Threads() { set_num_threads(before_); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

private:
    const int before_;
};

// A team that was late, as it is under a sanitizer, keeps the next calls from being teams for a while.
inline void wait_for_the_pool() {
    if (num_threads() == 1) return;
    while (TeamLease(2).size() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// Runs work(caller) on `callers` threads of the test's own at once.
template <class Work>
void at_once(int callers, const Work& work) {
    std::vector<std::thread> threads;
    for (int caller = 0; caller < callers; ++caller) threads.emplace_back([&work, caller] { work(caller); });
    for (std::thread& thread : threads) thread.join();
}

}  // namespace fastlstm
