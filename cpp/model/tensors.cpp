#include "tensors.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "complaints.hpp"
#include "json.hpp"

namespace fastlstm {

namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // as the format has it
constexpr std::size_t kMostAxes = 32;
constexpr std::string_view kMetadata = "__metadata__";

struct Dtype {
    std::string_view name;
    Index bytes;
};
constexpr Dtype kDtypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"BOOL", 1}, {"I64", 8}, {"I32", 4},
                             {"I16", 2}, {"I8", 1},  {"U64", 8}, {"U32", 4},  {"U16", 2},  {"U8", 1}};

Index bytes_of(const Json& dtype, const std::string& owner) {
    for (const Dtype& known : kDtypes) {
        if (dtype.kind == Json::Kind::text && dtype.text == known.name) return known.bytes;
    }
    complain(owner + ": dtype", "be one of safetensors, such as 'F32'", shown(dtype));
}

Shape sizes_of(const Json& given, const std::string& owner, std::size_t most) {
    const auto is_size = [](const Json& size) { return size.whole && *size.whole >= 0; };
    if (given.kind != Json::Kind::list || given.items.size() > most ||
        !std::all_of(given.items.begin(), given.items.end(), is_size)) {
        complain(owner, "be a list of at most " + std::to_string(most) + " whole numbers", shown(given));
    }
    Shape sizes;
    for (const Json& size : given.items) sizes.push_back(*size.whole);
    return sizes;
}

// Their product with the bytes of a number; -1: it does not fit, and so is in no file.
Index product_of(const Shape& shape, Index bytes) {
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
    for (const Index size : shape) {
        if (__builtin_mul_overflow(bytes, size, &bytes)) return -1;
    }
    return bytes;
}

std::string_view header_of(std::string_view bytes, const std::string& owner) {
    std::uint64_t length = 0;
    for (std::size_t i = std::min(kLengthBytes, bytes.size()); i-- > 0;) {
        length = length << 8 | static_cast<unsigned char>(bytes[i]);
    }
    if (bytes.size() < kLengthBytes || length > bytes.size() - kLengthBytes) {
        const std::string sizes = std::to_string(length) + " bytes in a file of " + std::to_string(bytes.size());
        complain(owner, "be a safetensors file", "a header of " + sizes + ": it is cut off, or another format");
    }
    if (length > kLargestHeader) {
        complain(owner + ": the header", "have at most " + std::to_string(kLargestHeader) + " bytes",
                 std::to_string(length));
    }
    return bytes.substr(kLengthBytes, static_cast<std::size_t>(length));
}

// An array that the header has at some place of the file, `begin` bytes behind the header.
struct Place {
    Index begin, end;
    std::string name;
    bool operator<(const Place& other) const { return std::pair(begin, end) < std::pair(other.begin, other.end); }
};

Place place_of(const std::string& name, const Json& given, Tensor& tensor, const std::string& owner) {
    const Json *dtype = given.find("dtype"), *shape = given.find("shape"), *offsets = given.find("data_offsets");
    if (given.members.size() != 3 || !dtype || !shape || !offsets) {
        complain(owner, "be an object of dtype, shape and data_offsets", shown(given));
    }
    const Index number_bytes = bytes_of(*dtype, owner);
    tensor.dtype = dtype->text;
    tensor.shape = sizes_of(*shape, owner + ": shape", kMostAxes);
    const Shape ends = sizes_of(*offsets, owner + ": data_offsets", 2);
    const Index nbytes = product_of(tensor.shape, number_bytes);
    if (ends.size() != 2 || nbytes < 0 || ends[1] - ends[0] != nbytes) {
        complain(owner + ": data_offsets", "span the bytes of " + tensor.dtype + " " + text_of(tensor.shape),
                 ends.size() == 2 ? text_of(ends) : shown(*offsets));
    }
    return {ends[0], ends[1], name};
}

// The arrays, one after the other, are the bytes after the header.
void check_places(std::vector<Place> places, std::size_t size, const std::string& owner) {
    std::sort(places.begin(), places.end());
    Index end = 0;
    for (const Place& place : places) {
        if (place.begin != end) {
            complain(owner + ": " + shown(place.name),
                     "begin at byte " + std::to_string(end) + ", where the array before it ends",
                     std::to_string(place.begin));
        }
        end = place.end;
    }
    if (static_cast<std::size_t>(end) == size) return;
    const bool cut = size < static_cast<std::size_t>(end);
    complain(owner, "have the " + std::to_string(end) + " bytes of its arrays after the header",
             std::to_string(size) + (cut ? ": it is cut off" : ""));
}

std::map<std::string, std::string> metadata_of(const Json& given, const std::string& owner) {
    std::map<std::string, std::string> metadata;
    const auto is_text = [](const auto& member) { return member.second.kind == Json::Kind::text; };
    if (given.kind != Json::Kind::object || !std::all_of(given.members.begin(), given.members.end(), is_text)) {
        complain(owner + ": " + std::string(kMetadata), "be an object of texts", shown(given));
    }
    for (const auto& [name, value] : given.members) metadata[name] = value.text;
    return metadata;
}

}  // namespace

std::string text_of(const Shape& shape) {
    std::string text = "(";
    for (std::size_t axis = 0; axis < shape.size(); ++axis) text += (axis ? ", " : "") + std::to_string(shape[axis]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

TensorFile parse_tensors(std::string_view bytes, const std::string& owner) {
    const std::string_view text = header_of(bytes, owner), data = bytes.substr(kLengthBytes + text.size());
    const Json header = parse_json(text, owner + ": the header");
    if (header.kind != Json::Kind::object) complain(owner + ": the header", "be a JSON object, { ... }", shown(header));
    TensorFile file;
    std::vector<Place> places;
    for (const auto& [name, given] : header.members) {
        if (name == kMetadata) {
            file.metadata = metadata_of(given, owner);
        } else {
            places.push_back(place_of(name, given, file.tensors[name], owner + ": " + shown(name)));
        }
    }
    check_places(places, data.size(), owner);
    for (const Place& place : places) {
        const auto begin = static_cast<std::size_t>(place.begin), end = static_cast<std::size_t>(place.end);
        file.tensors[place.name].bytes = data.substr(begin, end - begin);
    }
    return file;
}

std::string content_of(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        complain(path, "be a regular file", error ? error.message() : "a folder, a pipe, a device or the like");
    }
    std::string content(static_cast<std::size_t>(std::filesystem::file_size(path, error)), '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file) complain(path, "be a file that can be read", "an error of the system");
    return content;
}

}  // namespace fastlstm
