#include "precisions.hpp"

#include <cmath>
#include <cstring>

namespace fastlstm {

Precision precision_of(const Entry& name) {
    const std::string& text = name.text();
    if (text == "int8") return Precision::int8;
    if (text == "int8_int16") return Precision::int8_int16;
    if (text == "bfloat16") return Precision::bfloat16;
    name.refuse("be 'int8', 'int8_int16' or 'bfloat16'");
}

void round_to_bfloat16(Numbers& numbers) {
    for (float& number : numbers) {
        if (std::isnan(number)) continue;
        std::uint32_t bits;
        std::memcpy(&bits, &number, sizeof bits);
        bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
        std::memcpy(&number, &bits, sizeof bits);
    }
}

}  // namespace fastlstm
