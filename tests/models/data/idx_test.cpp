// The IDX reader against well-formed files and against every fault that such a file can have.
#include "models/data/idx.h"

#include <gtest/gtest.h>

#include "engine/core/error.h"
#include "tests/models/data/idx_files.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

std::string collect(const IdxFile& file) {
  std::string out;
  file.read([&](std::span<const std::byte> bytes) {
    EXPECT_LE(bytes.size(), kSinkBytes);
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  return out;
}

void open_and_read(const std::string& path, int rank) {
  collect(IdxFile(path, rank));
}

TEST(Idx, ReadsPlainAndGzipFilesAlike) {
  const ScratchFolder folder;
  const std::string content = images_bytes(1500, 28, 28);  // more than one sink call
  write_text(folder / "plain", content);
  write_text(folder / "packed.gz", gzip(content));
  for (const char* name : {"plain", "packed.gz"}) {
    const IdxFile file(folder / name, 3);
    EXPECT_EQ(file.shape(), (Shape{1500, 28, 28}));
    EXPECT_EQ(file.count(), 1500);
    EXPECT_TRUE(collect(file) == content.substr(16)) << name;
  }
}

TEST(Idx, AcceptsPathsOfAnyBytes) {
  const ScratchFolder folder;
  write_text(folder / "a b \xff.gz", gzip(labels_bytes("\1\2")));
  EXPECT_EQ(collect(IdxFile(folder / "a b \xff.gz", 1)), "\1\2");
}

struct Fault {
  const char* name;  ///< of the file
  std::string content;
  int rank;
  std::vector<std::string> message;
};

std::string with_crc_flipped(std::string packed) {
  packed[packed.size() - 8] = static_cast<char>(packed[packed.size() - 8] ^ 1);
  return packed;
}

std::vector<Fault> faults() {
  const std::string images = images_bytes(3, 4, 5);
  const std::string packed = gzip(images);
  const std::string half = packed.substr(0, packed.size() / 2);
  return {
      {"empty", "", 1, {"0 bytes"}},
      {"short-magic", std::string("\0\0\x08", 3), 1, {"3 bytes"}},
      {"labels-for-images", labels_bytes("\1"), 3, {"0x00000801", "0x00000803"}},
      {"floats", idx_bytes(0xd03, {1, 1, 1}, "abcd"), 3, {"0x00000d03", "unsigned bytes"}},
      {"short-header", images.substr(0, 10), 3, {"byte 10 of 16"}},
      {"empty-set", labels_bytes(""), 1, {"dimension 0", "empty"}},
      {"empty-image", idx_bytes(kImagesMagic, {3, 0, 5}, ""), 3, {"dimension 1", "byte 8"}},
      {"overflow", idx_bytes(kImagesMagic, {~0u, ~0u, ~0u}, "x"), 3, {"4294967295", "overflow"}},
      {"huge", idx_bytes(kImagesMagic, {~0u, 28, 28}, "x"), 3, {"3367254359296", "has 17"}},
      {"huge.gz", gzip(idx_bytes(kImagesMagic, {~0u, 28, 28}, "x")), 3, {"at most"}},
      {"short", images.substr(0, images.size() - 1), 3, {"3 x 4 x 5 + 16 = 76", "has 75"}},
      {"long", images + "x", 3, {"= 76", "has 77"}},
      {"short.gz", gzip(images.substr(0, 50)), 3, {"after 34 bytes", "promises 60"}},
      {"long.gz", gzip(images + "x"), 3, {"beyond the 60 bytes"}},
      {"truncated.gz", half, 3, {"cut short", "byte " + std::to_string(half.size())}},
      {"no-trailer.gz", packed.substr(0, packed.size() - 8), 3, {"cut short"}},
      {"half-trailer.gz", packed.substr(0, packed.size() - 3), 3, {"cut short"}},
      {"crc.gz", with_crc_flipped(packed), 3, {"damaged gzip", "data check"}},
      {"garbage.gz",
       packed + "zz",
       3,
       {"end at byte " + std::to_string(packed.size()), std::to_string(packed.size() + 2)}},
      {"members.gz", packed + gzip("more"), 3, {"end at byte"}},
      {"not-gzip.gz", images, 3, {"damaged gzip", "header"}},
      {"empty.gz", "", 3, {"cut short"}},
  };
}

TEST(Idx, RefusesEveryFaultNamingFileAndValue) {
  const ScratchFolder folder;
  for (const Fault& fault : faults()) {
    SCOPED_TRACE(fault.name);
    write_text(folder / fault.name, fault.content);
    expect_error<DataError>([&] { open_and_read(folder / fault.name, fault.rank); }, fault.message);
    expect_error<DataError>([&] { open_and_read(folder / fault.name, fault.rank); },
                            {folder / fault.name});
  }
}

TEST(Idx, RefusesWhatIsNoRegularFile) {
  const ScratchFolder folder;
  expect_error<DataError>([&] { open_and_read(folder.path(), 3); }, {"not a regular file"});
  expect_error<DataError>([&] { open_and_read(folder / "none", 3); }, {folder / "none", "No such"});
}

TEST(Idx, EveryTruncationOfACompressedFileIsRefused) {
  const ScratchFolder folder;
  const std::string packed = gzip(images_bytes(2, 3, 3));
  for (std::size_t length = 0; length < packed.size(); ++length) {
    write_text(folder / "t.gz", packed.substr(0, length));
    EXPECT_THROW(open_and_read(folder / "t.gz", 3), DataError) << length;
  }
}

TEST(Idx, EveryFlippedByteIsRefusedOrHarmless) {
  const ScratchFolder folder;
  const std::string content = images_bytes(2, 3, 3);
  const std::string packed = gzip(content);
  for (std::size_t at = 0; at < packed.size(); ++at) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
    write_text(folder / "f.gz", damaged);
    try {  // only bytes of the gzip header that mean nothing may pass
      EXPECT_EQ(collect(IdxFile(folder / "f.gz", 3)), content.substr(16)) << at;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find("f.gz"), std::string::npos);
    }
  }
}

// 64 MiB of zeros in 64 KiB: what reaches the sink ends with what the header promised.
TEST(Idx, ABombStopsAtThePromisedSize) {
  const ScratchFolder folder;
  const std::string header = idx_bytes(kImagesMagic, {2, 10, 10}, "");
  write_text(folder / "bomb.gz", gzip(header + std::string(std::size_t{64} << 20, '\0')));
  std::size_t delivered = 0;
  const IdxFile file(folder / "bomb.gz", 3);
  expect_error<DataError>(
      [&] { file.read([&](std::span<const std::byte> bytes) { delivered += bytes.size(); }); },
      {"beyond the 200 bytes"});
  EXPECT_EQ(delivered, 200u);
}

TEST(Idx, NoticesThatAFileChangedAfterItWasOpened) {
  const ScratchFolder folder;
  write_text(folder / "labels", labels_bytes("\1\2"));
  const IdxFile file(folder / "labels", 1);
  write_text(folder / "labels", labels_bytes("\1\2\3"));
  expect_error<DataError>([&] { collect(file); }, {"[2]", "[3]"});
}

}  // namespace
}  // namespace engine
