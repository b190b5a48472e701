// A child of a process that has used a team makes teams of its own.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.hpp"

namespace fastlstm {

// The thread sanitizer does not follow threads that a forked child starts.
#if !defined(__SANITIZE_THREAD__)
TEST_CASE("a forked child computes") {
    const Problem<float> problem(projected_lstm(), {20, 35, 13, 33, 22});
    const Threads several(3);
    const Results<float> wanted = train(problem);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(first_difference(train(problem), wanted) == "" ? 0 : 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
#endif

}  // namespace fastlstm
