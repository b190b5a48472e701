// Kept blocks go from thread to thread, and sizes that overflow are noticed.
#include <doctest/doctest.h>

#include "layers/buffer.hpp"
#include "threads.hpp"

namespace fastlstm {

TEST_CASE("threads reuse each other's blocks") {
    std::vector<int> wrong(6);
    at_once(6, [&](int caller) {
        for (Index round = 0; round < 40; ++round) {
            const Index size = (Index{1} << 14) + 4096 * ((round * 7 + caller) % 40);
            const auto held = round % 3 ? Held::by_call : Held::by_caller;
            const Buffer<int> first(size, held), second(size / 2, held);
            std::fill_n(first.data(), size, caller);
            std::fill_n(second.data(), size / 2, -1);
            for (Index i = 0; i < size; ++i) wrong[static_cast<std::size_t>(caller)] += first[i] != caller;
        }
    });
    for (const int count : wrong) CHECK(count == 0);
}

TEST_CASE("blocks of all kinds") {
    for (const Index size : {Index{1}, Index{17}, Index{1} << 14, Index{300000}, Index{1} << 20, Index{3} << 20}) {
        const Buffer<float> buffer = Buffer<float>::zeroed(size);
        CHECK(buffer[0] == 0);
        CHECK(buffer[size - 1] == 0);
    }
}

TEST_CASE("sizes that overflow") {
    const Index large = Index{1} << 40;
    CHECK_THROWS_AS(checked_product(large, large), std::length_error);
    CHECK_THROWS_AS(Buffer<double>(std::numeric_limits<Index>::max() / 8), std::bad_alloc);
}

}  // namespace fastlstm
