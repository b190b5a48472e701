// UTF-8: whether bytes are, and characters by number.
#pragma once

#include <string>
#include <string_view>

namespace fastlstm {

// No overlong forms, no halves of characters beyond 16 bits, nothing above the last one.
bool is_utf8(std::string_view bytes);

void add_utf8(unsigned code_point, std::string& text);

}  // namespace fastlstm
