#include "entry.hpp"

#include "complaints.hpp"

namespace fastlstm {

void Entry::refuse(const std::string& must) const { complain(owner_, must, shown(*json_)); }
void Entry::refuse_in_cpp(const std::string& must) const { not_supported(owner_, must, shown(*json_)); }

const Json& Entry::wanted(Json::Kind kind, const char* must) const {
    if (json_->kind != kind) refuse(must);
    return *json_;
}

Entry Entry::at(const std::string& name) const {
    const Json* found = wanted(Json::Kind::object, "be an object").find(name);
    if (!found) refuse("have " + shown(name));
    return {*found, owner_ + ": " + name};
}

std::vector<Entry> Entry::items() const {
    std::vector<Entry> entries;
    for (const Json& item : wanted(Json::Kind::list, "be a list").items) {
        entries.push_back({item, owner_ + "[" + std::to_string(entries.size()) + "]"});
    }
    return entries;
}

std::vector<std::pair<std::string, Entry>> Entry::members() const {
    std::vector<std::pair<std::string, Entry>> entries;
    for (const auto& [name, value] : wanted(Json::Kind::object, "be an object").members) {
        entries.push_back({name, {value, owner_ + ": " + name}});
    }
    return entries;
}

const std::string& Entry::text() const { return wanted(Json::Kind::text, "be a text").text; }
bool Entry::truth() const { return wanted(Json::Kind::truth, "be true or false").truth; }
double Entry::number() const { return wanted(Json::Kind::number, "be a number").number; }

Index Entry::size() const {
    constexpr Index kMost = Index{1} << 40;  // so that a product with a few others fits
    if (!json_->whole || *json_->whole < 1 || *json_->whole > kMost) {
        refuse("be a whole number from 1 to " + std::to_string(kMost));
    }
    return *json_->whole;
}

}  // namespace fastlstm
