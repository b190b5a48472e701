// What calls give, and whether two calls gave the same bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "problem.hpp"

namespace fastlstm {

template <class T>
using Results = std::vector<std::pair<const char*, Numbers<T>>>;

// Those of some arrays that there are.
template <class T>
Results<T> without_empty(const Results<T>& results) {
    Results<T> there;
    for (const auto& result : results) {
        if (!result.second.empty()) there.push_back(result);
    }
    return there;
}

// The name of the first array that differs, or nothing.
template <class T>
std::string first_difference(const Results<T>& got, const Results<T>& wanted) {
    if (got.size() != wanted.size()) return "the number of arrays";
    for (std::size_t i = 0; i < got.size(); ++i) {
        const Numbers<T>&a = got[i].second, &b = wanted[i].second;
        if (a.size() != b.size() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) != 0) return got[i].first;
    }
    return "";
}

// As many of the first results as another call gave.
template <class T>
Results<T> first_of(const Results<T>& results, const Results<T>& other) {
    return {results.begin(), results.begin() + static_cast<std::ptrdiff_t>(std::min(results.size(), other.size()))};
}

// The name of the first array in which something is not written or not finite, or nothing.
template <class T>
std::string first_unwritten(const Results<T>& results) {
    for (const auto& [name, numbers] : results) {
        const bool finite = std::all_of(numbers.begin(), numbers.end(), [](T number) { return std::isfinite(number); });
        if (!finite) return name;
    }
    return "";
}

}  // namespace fastlstm
