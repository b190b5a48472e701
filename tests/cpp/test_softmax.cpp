// Softmax over rows of every length: teams share the rows.
#include <doctest/doctest.h>

#include "kernels/dispatch.hpp"
#include "layers/softmax.hpp"
#include "results.hpp"
#include "threads.hpp"

namespace fastlstm {

namespace {

template <class T>
Results<T> softmaxes(const KernelTable& table, Index rows, Index classes, int threads) {
    const Threads several(threads);
    Random random(7);
    const Numbers<T> z = random_numbers<T>(rows * classes, 1, random);
    Numbers<T> p = unwritten<T>(rows * classes), log_p = unwritten<T>(rows * classes), alone = z;
    wait_for_the_pool();
    softmax<T>(kernels_of<T>(table), {z.data(), p.data(), log_p.data(), rows, classes});
    softmax<T>(kernels_of<T>(table), {alone.data(), alone.data(), nullptr, rows, classes});
    return {{"p", p}, {"log p", log_p}, {"in place", alone}};
}

template <class T>
void check(const KernelTable& table, Index rows, Index classes) {
    INFO(table.name << " " << rows << " " << classes);
    const Results<T> wanted = softmaxes<T>(table, rows, classes, 1);
    CHECK(first_unwritten(wanted) == "");
    CHECK(first_difference(softmaxes<T>(table, rows, classes, 3), wanted) == "");
}

}  // namespace

TEST_CASE("softmax of rows of every length") {
    for (const KernelTable* table : available_tables()) {
        for (Index classes = 1; classes < 40; ++classes) {
            check<float>(*table, 3, classes);
            check<double>(*table, 3, classes);
        }
    }
}

TEST_CASE("softmax by a team") {
    check<float>(active_table(), 301, 1003);
    check<double>(active_table(), 301, 1003);
}

}  // namespace fastlstm
