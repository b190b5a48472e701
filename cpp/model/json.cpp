#include "json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

#include "complaints.hpp"
#include "utf8.hpp"

namespace fastlstm {

namespace {

constexpr int kDeepest = 200;
constexpr std::size_t kMostValues = 500'000;  // each takes some hundred bytes of memory, however few in the file
constexpr std::size_t kMostShown = 60;        // bytes of a text in an error

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The C library's functions read a comma for a point where a program says that it is of such a country.
double number_of(const std::string& digits) {
    std::istringstream stream(digits);
    stream.imbue(std::locale::classic());
    double number = 0;
    stream >> number;
    if (!stream && std::abs(number) > 1) number *= 2;  // the largest there is, where there are larger ones
    return number;
}

class Parser {
public:
    Parser(std::string_view text, const std::string& owner) : text_(text), owner_(owner) {}

    Json whole() {
        Json value = this->value(0);
        skip_blanks();
        if (at_ < text_.size()) refuse("more behind the value");
        return value;
    }

private:
    [[noreturn]] void refuse(const std::string& got) const {
        complain(owner_, "be JSON", got + " at byte " + std::to_string(at_));
    }

    void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }
    char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool take(std::string_view wanted) {
        if (text_.substr(at_, wanted.size()) != wanted) return false;
        at_ += wanted.size();
        return true;
    }

    void expect(char wanted) {
        skip_blanks();
        if (!take({&wanted, 1})) refuse(std::string("no '") + wanted + "'");
    }

    Json value(int depth) {
        if (depth > kDeepest) complain(owner_, "be nested " + std::to_string(kDeepest) + " deep at most", "more");
        skip_blanks();
        switch (next()) {
            case '{': return object(depth);
            case '[': return list(depth);
            case '"': return text_value();
            default: return word();
        }
    }

    Json object(int depth) {
        Json object;
        object.kind = Json::Kind::object;
        for_entries('{', '}', [&] {
            skip_blanks();
            if (next() != '"') refuse("a member without a name");
            std::string name = quoted();
            expect(':');
            object.members.emplace_back(std::move(name), value(depth + 1));
        });
        check_names(object);
        return object;
    }

    Json list(int depth) {
        Json list;
        list.kind = Json::Kind::list;
        for_entries('[', ']', [&] { list.items.push_back(value(depth + 1)); });
        return list;
    }

    // Calls entry() for all between two brackets, which commas part.
    template <class F>
    void for_entries(char open, char close, const F& entry) {
        expect(open);
        skip_blanks();
        if (take({&close, 1})) return;
        do {
            entry();
            skip_blanks();
        } while (take(","));
        expect(close);
    }

    void check_names(const Json& object) const {
        std::vector<std::string_view> names;
        for (const auto& member : object.members) names.push_back(member.first);
        std::sort(names.begin(), names.end());
        const auto twice = std::adjacent_find(names.begin(), names.end());
        if (twice != names.end()) complain(owner_, "have every name once", shown(*twice) + " twice");
    }

    Json text_value() {
        Json value;
        value.kind = Json::Kind::text;
        value.text = quoted();
        return value;
    }

    std::string quoted() {
        std::string found;
        ++at_;
        for (; next() != '"'; ++at_) {
            if (at_ >= text_.size()) refuse("a text without an end");
            if (static_cast<unsigned char>(next()) < 0x20) refuse("a control character in a text");
            if (next() == '\\') {
                add_escaped(found);
            } else {
                found += next();
            }
        }
        ++at_;
        return found;
    }

    // What stands behind a backslash; ends at its last character.
    void add_escaped(std::string& found) {
        constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
        ++at_;
        if (next() == 'u') return add_utf8(code_point(), found);
        const std::size_t place = next() ? kEscapes.find(next()) : std::string_view::npos;
        if (place == std::string_view::npos) refuse("an unknown escape");
        found += kMeanings[place];
    }

    // Of uXXXX, or of two of them that are one character.
    unsigned code_point() {
        const unsigned first = four_digits();
        if (first < 0xd800 || first > 0xdbff || text_.substr(at_ + 1, 2) != "\\u") return first;
        const std::size_t before = at_;
        at_ += 2;
        const unsigned second = four_digits();
        if (second >= 0xdc00 && second <= 0xdfff) return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        at_ = before;
        return first;
    }

    unsigned four_digits() {
        unsigned code = 0;
        const char* begin = text_.data() + at_ + 1;
        if (text_.size() - at_ < 5 || std::from_chars(begin, begin + 4, code, 16).ptr != begin + 4) {
            refuse("an escape without four digits");
        }
        at_ += 4;
        return code;
    }

    Json word() {
        Json value;
        if (take("null")) return value;
        const bool is_true = take("true");
        if (is_true || take("false")) {
            value.kind = Json::Kind::truth;
            value.truth = is_true;
            return value;
        }
        return number();
    }

    // NaN and the infinities are what Python's JSON has beside numbers.
    Json number() {
        Json value;
        value.kind = Json::Kind::number;
        const std::size_t begin = at_;
        value.number = std::numeric_limits<double>::quiet_NaN();
        if (take("NaN")) return value;
        value.number = next() == '-' ? -1 : 1;
        take("-");
        value.number *= std::numeric_limits<double>::infinity();
        if (take("Infinity")) return value;
        const bool is_whole = skip_digits();
        const std::string digits(text_.substr(begin, at_ - begin));
        value.number = number_of(digits);
        std::int64_t whole = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
        if (is_whole && error == std::errc() && *end == '\0') value.whole = whole;
        return value;
    }

    // Over the digits, point and power of a number; whether it has neither of the last two.
    bool skip_digits() {
        if (!take("0")) some_digits();
        bool is_whole = true;
        if (take(".")) some_digits(), is_whole = false;
        if (take("e") || take("E")) {
            if (!take("+")) take("-");
            some_digits(), is_whole = false;
        }
        return is_whole;
    }

    void some_digits() {
        if (!is_digit(next())) refuse("no value");
        while (is_digit(next())) ++at_;
    }

    const std::string_view text_;
    const std::string& owner_;
    std::size_t at_ = 0;
};

}  // namespace

const Json* Json::find(std::string_view name) const {
    const auto found = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == name; });
    return found == members.end() ? nullptr : &found->second;
}

Json parse_json(std::string_view text, const std::string& owner) {
    if (!is_utf8(text)) complain(owner, "be UTF-8", "other bytes");
    const auto opens = [](char c) { return c == '[' || c == '{' || c == ','; };
    const auto count = static_cast<std::size_t>(std::count_if(text.begin(), text.end(), opens));
    if (count > kMostValues) {
        complain(owner, "have at most " + std::to_string(kMostValues) + " values", std::to_string(count));
    }
    return Parser(text, owner).whole();
}

std::string shown(std::string_view text) {
    const bool whole = text.size() <= kMostShown;
    return "'" + std::string(text.substr(0, kMostShown)) + (whole ? "'" : "...'");
}

std::string shown(const Json& value) {
    switch (value.kind) {
        case Json::Kind::null: return "null";
        case Json::Kind::truth: return value.truth ? "true" : "false";
        case Json::Kind::number: return value.whole ? std::to_string(*value.whole) : std::to_string(value.number);
        case Json::Kind::text: return shown(value.text);
        case Json::Kind::list: return "a list of " + std::to_string(value.items.size());
        default: return "an object of " + std::to_string(value.members.size());
    }
}

}  // namespace fastlstm
