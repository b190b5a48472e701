// JSON as the files of this package have it: every name once in an object, and no deeper than a stack is sure to hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fastlstm {

struct Json {
    enum class Kind { null, truth, number, text, list, object };

    Kind kind = Kind::null;
    bool truth = false;
    double number = 0;
    std::optional<std::int64_t> whole;  // of a number without a point or power that fits
    std::string text;
    std::vector<Json> items;                            // of a list
    std::vector<std::pair<std::string, Json>> members;  // of an object, in the order of the text

    const Json* find(std::string_view name) const;  // null: no such member
};

// Of UTF-8. Throws FileError, which names the `owner`.
Json parse_json(std::string_view text, const std::string& owner);

// A value for the end of an error, shortened.
std::string shown(const Json& value);
std::string shown(std::string_view text);

}  // namespace fastlstm
