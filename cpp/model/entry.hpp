// A value in a description and where it stands, which errors name.
#pragma once

#include "json.hpp"
#include "tensors.hpp"

namespace fastlstm {

class Entry {
public:
    // Both stay where they are as long as the entry is used.
    Entry(const Json& json, std::string owner) : json_(&json), owner_(std::move(owner)) {}

    const std::string& owner() const { return owner_; }
    bool is(Json::Kind kind) const { return json_->kind == kind; }
    // A member of an object, which it must have.
    Entry at(const std::string& name) const;
    bool has(const std::string& name) const { return json_->find(name) != nullptr; }
    // The same value under the name of what it describes.
    Entry called(const std::string& owner) const { return {*json_, owner}; }
    std::vector<Entry> items() const;
    std::vector<std::pair<std::string, Entry>> members() const;

    const std::string& text() const;
    Index size() const;  // 1 at least, and nothing that no file could hold
    bool truth() const;
    double number() const;

    [[noreturn]] void refuse(const std::string& must) const;
    [[noreturn]] void refuse_in_cpp(const std::string& must) const;

private:
    const Json& wanted(Json::Kind kind, const char* must) const;

    const Json* json_;
    std::string owner_;
};

}  // namespace fastlstm
