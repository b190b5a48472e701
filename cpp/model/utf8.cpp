#include "utf8.hpp"

namespace fastlstm {

namespace {

// Bytes of a character that begins with one; 0: none does.
std::size_t length_of(unsigned char first) {
    if (first < 0x80) return 1;
    if (first < 0xc2) return 0;
    if (first < 0xe0) return 2;
    if (first < 0xf0) return 3;
    return first < 0xf5 ? 4 : 0;
}

bool is_whole(std::string_view character) {
    for (const char byte : character.substr(1)) {
        if ((static_cast<unsigned char>(byte) & 0xc0) != 0x80) return false;
    }
    if (character.size() < 3) return true;
    const auto first = static_cast<unsigned char>(character[0]), second = static_cast<unsigned char>(character[1]);
    if (first == 0xe0) return second >= 0xa0;
    if (first == 0xed) return second < 0xa0;
    if (first == 0xf0) return second >= 0x90;
    return first != 0xf4 || second < 0x90;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t length = length_of(static_cast<unsigned char>(bytes.front()));
        if (length == 0 || length > bytes.size() || !is_whole(bytes.substr(0, length))) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

void add_utf8(unsigned code_point, std::string& text) {
    const auto add = [&](unsigned byte) { text += static_cast<char>(byte); };
    if (code_point < 0x80) return add(code_point);
    if (code_point < 0x800) {
        add(0xc0 | code_point >> 6);
    } else {
        if (code_point < 0x10000) {
            add(0xe0 | code_point >> 12);
        } else {
            add(0xf0 | code_point >> 18);
            add(0x80 | (code_point >> 12 & 0x3f));
        }
        add(0x80 | (code_point >> 6 & 0x3f));
    }
    add(0x80 | (code_point & 0x3f));
}

}  // namespace fastlstm
