// Dense layers: teams take rows.
#include <doctest/doctest.h>

#include "layers/dense.hpp"
#include "results.hpp"
#include "threads.hpp"

namespace fastlstm {

namespace {

template <class T>
Results<T> apply(Index rows, Index inputs, Index outputs, int threads) {
    const Threads several(threads);
    Random random(3);
    const Numbers<T> x = random_numbers<T>(rows * inputs, 1, random);
    const Numbers<T> kernel = random_numbers<T>(outputs * inputs, 1, random);
    const Numbers<T> bias = random_numbers<T>(outputs, 1, random);
    Numbers<T> y = unwritten<T>(rows * outputs);
    wait_for_the_pool();
    const Dense<T> dense(active_kernels<T>(), inputs, outputs, {kernel.data(), inputs, 1}, bias.data());
    wait_for_the_pool();
    dense.apply(x.data(), inputs, rows, y.data());
    Numbers<T> alone = unwritten<T>(rows * outputs);
    dense.apply_alone(x.data(), inputs, rows, dense.rounded_rows(rows), alone.data());
    CHECK(first_difference<T>({{"y", alone}}, {{"y", y}}) == "");
    return {{"y", y}};
}

template <class T>
void check(Index rows, Index inputs, Index outputs, const std::vector<int>& team_sizes) {
    INFO("rows " << rows << " inputs " << inputs << " outputs " << outputs);
    const Results<T> wanted = apply<T>(rows, inputs, outputs, 1);
    CHECK(first_unwritten(wanted) == "");
    for (const int threads : team_sizes)
        CHECK(first_difference(apply<T>(rows, inputs, outputs, threads), wanted) == "");
}

}  // namespace

TEST_CASE("dense layers of odd sizes") {
    for (Index outputs = 1; outputs < 40; ++outputs) {
        check<float>(1 + outputs * 5 % 67, 1 + outputs * 7 % 23, outputs, {});
        check<double>(1 + outputs * 5 % 67, 1 + outputs * 7 % 23, outputs, {});
    }
}

TEST_CASE("dense layers of a team") {
    check<float>(523, 61, 77, {2, 3, 5, 8});
    check<double>(261, 61, 77, {2, 3});
    check<float>(70, 301, 300, {2, 3});  // packed by a team
}

TEST_CASE("a dense layer of several callers") {
    const Index rows = 300, inputs = 61, outputs = 77;
    Random random(5);
    const Numbers<float> x = random_numbers<float>(rows * inputs, 1, random);
    const Numbers<float> kernel = random_numbers<float>(outputs * inputs, 1, random);
    const Dense<float> dense(active_kernels<float>(), inputs, outputs, {kernel.data(), inputs, 1}, nullptr);
    const Threads several(3);
    at_once(4, [&](int) {
        Numbers<float> y(static_cast<std::size_t>(rows * outputs));
        for (int call = 0; call < 3; ++call) dense.apply(x.data(), inputs, rows, y.data());
    });
}

}  // namespace fastlstm
