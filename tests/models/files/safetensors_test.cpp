// The safetensors reader and writer: what is written reads back, equal contents make equal files,
// and no mutation of a file gets past the header checks.
#include "models/train/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "tests/models/scratch.h"

namespace engine {
namespace {

TensorSource source(std::string name, TensorType type, unsigned char first) {
  return {std::move(name), type, [type, first](const ByteSink& sink) {
            for (std::size_t i = 0; i < type.bytes(); ++i) {
              const auto byte = static_cast<std::byte>(first + i);
              sink(std::span(&byte, 1));
            }
          }};
}

std::vector<TensorSource> sample() {
  return {source("b/labels", {Shape{3}, DType::u8}, 1),
          source("a/weights", {Shape{2, 2}, DType::f32}, 10),
          source("c/steps", {Shape{}, DType::i64}, 30),
          source("d/empty", {Shape{0, 5}, DType::f64}, 0),
          source("e/index", {Shape{1}, DType::i32}, 40),
          source("f/mask", {Shape{2}, DType::u32}, 50)};
}

const Metadata kMetadata{{"epoch", "3"}, {"model", "mnist-mlp \"x\"\n"}};

/// A file of this header and `data` zero bytes.
std::string make_file(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(data, '\0');
}

TEST(Safetensors, ReadsWhatItWrote) {
  const ScratchFolder folder;
  write_safetensors(folder / "x", sample(), kMetadata);
  const SafetensorsFile file(folder / "x");
  EXPECT_EQ(file.metadata(), kMetadata);
  ASSERT_EQ(file.tensors().size(), 6u);
  for (const TensorSource& expected : sample()) {
    const StoredTensor* tensor = file.find(expected.name);
    ASSERT_NE(tensor, nullptr) << expected.name;
    EXPECT_EQ(tensor->type, expected.type);
    EXPECT_EQ(tensor->offset % dtype_size(expected.type.dtype), 0u) << "not aligned";
    std::vector<std::byte> content(expected.type.bytes());
    file.read(*tensor, content);
    std::size_t at = 0;
    expected.produce([&](std::span<const std::byte> bytes) { EXPECT_EQ(content[at++], bytes[0]); });
  }
  EXPECT_EQ(file.find("nobody"), nullptr);
}

TEST(Safetensors, EqualContentsMakeEqualFilesWhateverTheOrder) {
  const ScratchFolder folder;
  std::vector<TensorSource> reversed = sample();
  std::reverse(reversed.begin(), reversed.end());
  write_safetensors(folder / "x", sample(), kMetadata);
  write_safetensors(folder / "y", reversed, kMetadata);
  EXPECT_EQ(read_text(folder / "x"), read_text(folder / "y"));
}

TEST(Safetensors, WritesTheFormatToTheByte) {
  const ScratchFolder folder;
  write_safetensors(folder / "x", {source("w", {Shape{2}, DType::u8}, 65)}, {});
  std::string header = R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  header.resize(56, ' ');
  EXPECT_EQ(read_text(folder / "x"), make_file(header, 0) + "AB");
}

TEST(Safetensors, AFailedWriteLeavesTheFormerFile) {
  const ScratchFolder folder;
  write_safetensors(folder / "x", sample(), kMetadata);
  const std::string before = read_text(folder / "x");
  std::vector<TensorSource> failing = sample();
  failing[3].produce = [](const ByteSink&) { throw DeviceError("gone"); };
  EXPECT_THROW(write_safetensors(folder / "x", failing, {}), DeviceError);
  EXPECT_EQ(read_text(folder / "x"), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Safetensors, RefusesToWriteWhatCouldNotBeRead) {
  const ScratchFolder folder;
  const TensorType type{Shape{1}, DType::u8};
  const auto write = [&](std::vector<TensorSource> tensors) {
    write_safetensors(folder / "x", std::move(tensors), {});
  };
  expect_error<UsageError>([&] { write({source("w", type, 0), source("w", type, 0)}); }, {"'w'"});
  expect_error<UsageError>([&] { write({source("__metadata__", type, 0)}); }, {"__metadata__"});
  EXPECT_THROW(write({source("\xff", type, 0)}), UsageError);
  EXPECT_THROW(write({{"w", type, [](const ByteSink&) {}}}), InternalError);
  EXPECT_FALSE(std::filesystem::exists(folder / "x"));
}

struct Fault {
  const char* header;
  std::size_t data;
  std::vector<std::string> message;
};

std::vector<Fault> faults() {
  return {
      {"", 0, {"not a JSON object"}},
      {"[]", 0, {"not a JSON object"}},
      {" {}", 0, {"not a JSON object"}},
      {"{", 0, {"not valid JSON"}},
      {"{}x", 0, {"not valid JSON"}},
      {"{\"\xff\":{}}", 0, {"not valid JSON"}},
      {R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{}})", 1, {"duplicate key 'w'"}},
      {R"({"w":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
       1,
       {"duplicate", "dtype"}},
      {R"({"w":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1, {"deeper than 3"}},
      {R"({"w":5})", 0, {"'w' is not a JSON object"}},
      {R"({"w\n":5})", 0, {"'w?'"}},
      {R"({"w":{"shape":[1],"data_offsets":[0,1]}})", 1, {"'w'", "dtype is missing"}},
      {R"({"w":{"dtype":"U8","data_offsets":[0,1]}})", 1, {"shape is missing"}},
      {R"({"w":{"dtype":"U8","shape":[1]}})", 1, {"data_offsets is missing"}},
      {R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1, {"unknown field 'x'"}},
      {R"({"w":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", 2, {"\"F16\"", "expected F32"}},
      {R"({"w":{"dtype":7,"shape":[1],"data_offsets":[0,1]}})", 1, {"dtype is 7"}},
      {R"({"w":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1, {"shape is 1", "array"}},
      {R"({"w":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1, {"shape is -1"}},
      {R"({"w":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1, {"shape is 1.0"}},
      {R"({"w":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}})", 1, {"non-negative integer"}},
      {R"({"w":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})",
       1,
       {"18446744073709551615"}},
      {R"({"w":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,0]}})",
       0,
       {"'w'", "64 bits"}},
      {R"({"w":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})",
       0,
       {"64 bits"}},
      {R"({"w":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1, {"rank 9"}},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
       4,
       {"span 4 bytes", "f32[2] has 8"}},
      {R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 1, {"[begin, end]"}},
      {R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1, {"[begin, end]"}},
      {R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,9223372036854775808]}})",
       1,
       {"9223372036854775808"}},
      {R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2, {"byte 1", "hole"}},
      {R"({"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       3,
       {"'w'", "overlap"}},
      {R"({"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
       2,
       {"overlap"}},
      {R"({"v":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
       3,
       {"'w'", "hole"}},
      {R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 1, {"cover 2", "has 1"}},
      {R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 3, {"cover 2", "has 3"}},
      {R"({"__metadata__":5})", 0, {"__metadata__ is not"}},
      {R"({"__metadata__":{"k":5}})", 0, {"'k' is not text"}},
  };
}

TEST(Safetensors, RefusesEveryFaultNamingFileAndField) {
  const ScratchFolder folder;
  for (Fault& fault : faults()) {
    SCOPED_TRACE(fault.header);
    write_text(folder / "x", make_file(fault.header, fault.data));
    fault.message.push_back(folder / "x");
    expect_error<DataError>([&] { SafetensorsFile file(folder / "x"); }, fault.message);
  }
}

TEST(Safetensors, RefusesLengthsThatTheFileCannotHave) {
  const ScratchFolder folder;
  const auto expect_refused = [&](const std::string& content, std::vector<std::string> message) {
    write_text(folder / "x", content);
    expect_error<DataError>([&] { SafetensorsFile file(folder / "x"); }, message);
  };
  expect_refused("", {"has 0 bytes"});
  expect_refused("1234567", {"has 7 bytes"});
  expect_refused(std::string(8, '\xff') + "{}", {"18446744073709551615", "at most 2"});
  expect_refused(std::string("\3\0\0\0\0\0\0\0{}", 10),
                 {"header length at byte 0 is 3", "at most 2"});
  // A sparse file of 200 MB: the header is refused by the limit, not by the file's size.
  write_text(folder / "x", std::string("\1\xe1\xf5\5\0\0\0\0", 8) + "{");
  std::filesystem::resize_file(folder / "x", 200'000'000);
  expect_error<DataError>([&] { SafetensorsFile file(folder / "x"); },
                          {"100000001", "at most 100000000"});
}

TEST(Safetensors, DeepJsonIsRefusedWithoutRecursion) {
  const ScratchFolder folder;
  write_text(folder / "x", make_file("{\"w\":" + std::string(1'000'000, '['), 0));
  expect_error<DataError>([&] { SafetensorsFile file(folder / "x"); }, {"deeper than 3"});
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const ScratchFolder folder;
  write_safetensors(folder / "x", sample(), kMetadata);
  const std::string whole = read_text(folder / "x");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_text(folder / "t", whole.substr(0, length));
    EXPECT_THROW(SafetensorsFile(folder / "t"), DataError) << length;
  }
}

}  // namespace
}  // namespace engine
