// Calls run alone after a team that was slower than one thread would have been, and only then.
#include <doctest/doctest.h>

#include "layers/processors.hpp"
#include "threads.hpp"

namespace fastlstm {

namespace {

using Milliseconds = std::chrono::milliseconds;

// A team of two whose threads take so long before they meet, as those do that wait for a processor.
void meet_after(Milliseconds first, Milliseconds second) {
    wait_for_the_pool();
    TeamLease lease(2);
    REQUIRE(lease.size() == 2);
    lease.run([&](int rank, Team& team) {
        std::this_thread::sleep_for(rank == 0 ? first : second);
        team.barrier();
    });
}

}  // namespace

// A large layer's threads take longer than any patience from one barrier to the next, and never equally long.
TEST_CASE("a team whose threads take nearly equally long stays one") {
    if (processors() < 2) return;
    meet_after(Milliseconds(100), Milliseconds(80));
    CHECK(TeamLease(2).size() == 2);
    meet_after(Milliseconds(80), Milliseconds(100));
    CHECK(TeamLease(2).size() == 2);
}

TEST_CASE("calls run alone for a while after a team that waited for one thread") {
    if (processors() < 2) return;
    for (int times = 0; times < 6; ++times) meet_after(Milliseconds(0), Milliseconds(20));  // longer every time
    CHECK(TeamLease(2).size() == 1);
    wait_for_the_pool();
    CHECK(TeamLease(2).size() == 2);
    meet_after(Milliseconds(0), Milliseconds(0));  // and short again
}

}  // namespace fastlstm
