#include "models/data/review_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <system_error>

#include "engine/core/cache_folder.h"
#include "engine/core/crc32c.h"
#include "engine/core/error.h"
#include "engine/core/file.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "models/data/input_file.h"
#include "models/data/review_words.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "engine reviews";
constexpr std::int32_t kTokensEnd = kFirstWord + static_cast<std::int32_t>(kMostWords);
constexpr std::size_t kMagicSize = 16;
constexpr std::int64_t kTickNanoseconds = 20'000'000;  // of a file system's clock, at most

/// The version is that of the format and of what words are.
std::string magic() {
  constexpr char kFormat = 'a';
  return fmt::format("{}{}\n", kName, static_cast<char>(kFormat + kReviewWordsVersion));
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// Of a list of files.
struct Listing {
  std::uint64_t fingerprint;
  std::int64_t newest;  ///< when one was last changed, in nanoseconds of the system's clock
};

Listing examine(const ReviewList& list) {
  std::string text;
  std::int64_t newest = 0;
  for (const std::vector<LabelledFile>& files : list.parts)
    for (const LabelledFile& file : files) {
      struct stat status {};
      if (::stat(file.path.c_str(), &status) != 0)
        throw DataError(fmt::format("{}: cannot be examined: {}", file.path.native(),
                                    std::generic_category().message(errno)));
      const std::int64_t changed = nanoseconds(status.st_ctim);
      fmt::format_to(std::back_inserter(text), "{}\n{} {} {} {} {} ", file.path.native(),
                     file.label, status.st_size, status.st_ino, nanoseconds(status.st_mtim),
                     changed);
      newest = std::max(newest, changed);
    }
  return {fnv1a(text), newest};
}

std::int64_t now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

template <class T>
void put(std::string& out, std::span<const T> values) {
  const std::size_t at = out.size();
  out.resize(at + values.size_bytes());
  if (!values.empty()) std::memcpy(out.data() + at, values.data(), values.size_bytes());
}
template <class T>
void put(std::string& out, T value) {
  put(out, std::span<const T>(&value, 1));
}

/// Takes values off the front of bytes.
class Cursor {
 public:
  Cursor(std::string_view bytes, const std::string& where) : rest_(bytes), where_(where) {}

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) fail("ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <class T>
  T value() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> values(std::uint64_t count) {
    if (count > rest_.size() / sizeof(T)) fail("ends too early");
    std::vector<T> values(count);
    const std::string_view bytes = take(count * sizeof(T));
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  std::size_t left() const { return rest_.size(); }
  [[noreturn]] void fail(const std::string& what) const { throw DataError(where_ + ": " + what); }

 private:
  std::string_view rest_;
  const std::string& where_;
};

void check(const ReviewPart& part, const Cursor& cursor) {
  if (!std::is_sorted(part.ends.begin(), part.ends.end()) ||
      (part.ends.empty() ? 0 : part.ends.back()) != part.tokens.size())
    cursor.fail("its reviews do not follow each other");
  if (std::any_of(part.labels.begin(), part.labels.end(), [](auto label) { return label > 1; }))
    cursor.fail("has a label other than 0 and 1");
  if (std::any_of(part.tokens.begin(), part.tokens.end(),
                  [](auto token) { return token < kUnknownWord || token >= kTokensEnd; }))
    cursor.fail("has a token that is no word's");
}

std::string path_for(const fs::path& folder) {
  const std::string caches = cache_folder();
  std::error_code ignored;  // a path that cannot be resolved is its own name
  fs::path resolved = fs::canonical(folder, ignored);
  if (ignored) resolved = folder;
  return caches.empty() ? "" : fmt::format("{}/reviews-{:016x}", caches, fnv1a(resolved.native()));
}

}  // namespace

std::string serialize_reviews(const Reviews& reviews, std::uint64_t fingerprint) {
  std::string out = magic();
  put(out, fingerprint);
  for (const ReviewPart& part : reviews) {
    put(out, std::uint64_t{part.labels.size()});
    put(out, std::uint64_t{part.tokens.size()});
  }
  for (const ReviewPart& part : reviews) {
    put(out, std::span(part.labels));
    put(out, std::span(part.ends));
    put(out, std::span(part.tokens));
  }
  put(out, crc32c(out));
  return out;
}

std::optional<Reviews> parse_reviews(std::string_view bytes, std::uint64_t fingerprint,
                                     const std::string& where) {
  Cursor cursor(bytes, where);
  const std::string_view found = cursor.take(kMagicSize);
  if (!found.starts_with(kName)) cursor.fail("is no file of reviews");
  if (found != magic() || cursor.value<std::uint64_t>() != fingerprint) return std::nullopt;
  struct Sizes {
    std::uint64_t reviews, tokens;
  };
  std::array<Sizes, 2> sizes;
  for (Sizes& part : sizes) part = {cursor.value<std::uint64_t>(), cursor.value<std::uint64_t>()};
  Reviews reviews;
  for (std::size_t i = 0; i < reviews.size(); ++i)
    reviews[i] = {cursor.values<std::uint8_t>(sizes[i].reviews),
                  cursor.values<std::uint64_t>(sizes[i].reviews),
                  cursor.values<std::int32_t>(sizes[i].tokens)};
  const std::uint32_t expected = crc32c(bytes.substr(0, bytes.size() - cursor.left()));
  if (cursor.value<std::uint32_t>() != expected) cursor.fail("its CRC does not match");
  if (cursor.left() != 0) cursor.fail("has bytes behind its end");
  for (const ReviewPart& part : reviews) check(part, cursor);
  return reviews;
}

ReviewCache::ReviewCache(const fs::path& folder, const ReviewList& list) : path_(path_for(folder)) {
  const std::int64_t before = now();
  const Listing listing = examine(list);
  fingerprint_ = listing.fingerprint;
  settled_ = listing.newest < before - kTickNanoseconds;
}

std::optional<Reviews> ReviewCache::load() const {
  std::error_code ignored;  // opening it says what matters
  if (path_.empty() || !fs::exists(path_, ignored)) return std::nullopt;
  try {
    const InputFile file(path_);
    std::string bytes(file.size(), '\0');
    bytes.resize(file.read_at(0, std::as_writable_bytes(std::span(bytes))));
    return parse_reviews(bytes, fingerprint_, path_);
  } catch (const Error& error) {
    log::warning(fmt::format("{}; the reviews are read anew", error.what()));
    return std::nullopt;
  }
}

void ReviewCache::save(const Reviews& reviews) const {
  if (path_.empty() || !settled_) return;
  try {
    make_folder(fs::path(path_).parent_path().native());
    replace_file(path_,
                 [&](FileWriter& file) { file.write(serialize_reviews(reviews, fingerprint_)); });
  } catch (const FileError& error) {
    log::warning(fmt::format("{}; the reviews are not kept for the next run", error.what()));
  }
}

}  // namespace engine
